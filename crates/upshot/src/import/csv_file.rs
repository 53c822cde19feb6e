//! CSV files as other systems write them: a header, then rows; BOM, CRLF, blank lines and outer spaces are harmless.
//!
//! Must never know: what the columns mean.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use csv::ByteRecord;

use super::Error;
use super::source::Outlet;

/// An open file behind its header.
pub(super) struct CsvFile<R> {
    reader: csv::Reader<Watched<R>>,
    path: PathBuf,
    header: Vec<String>,
}

/// A column by name and place.
#[derive(Clone, Debug)]
pub(super) struct Column {
    name: String,
    index: usize,
}

/// One row that is not blank.
pub(super) struct Row<'a> {
    /// Where it begins, counted from 1.
    pub(super) line: u64,
    fields: &'a ByteRecord,
}

/// Why a row was not taken.
pub(super) enum Untaken {
    /// It is malformed, for this reason; the next row is read.
    Malformed(String),
    /// Reading ends.
    End(Error),
}

impl From<String> for Untaken {
    fn from(reason: String) -> Self {
        Self::Malformed(reason)
    }
}

impl From<Error> for Untaken {
    fn from(error: Error) -> Self {
        Self::End(error)
    }
}

/// Size of a file in bytes.
///
/// # Errors
/// [`Error::Read`] when the file is not there.
pub(super) fn size(path: &Path) -> Result<u64, Error> {
    let metadata = std::fs::metadata(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    Ok(metadata.len())
}

impl CsvFile<File> {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// [`Error::Read`] and [`Error::Csv`].
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        Self::new(file, path)
    }
}

impl<R: Read> CsvFile<R> {
    /// Reads the header of `source`; `path` is for messages.
    ///
    /// # Errors
    /// [`Error::Csv`].
    pub(super) fn new(source: R, path: &Path) -> Result<Self, Error> {
        // A carriage return is left to the trimming of fields: taken as part of the line end it would make the
        // reader's line numbers one short.
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .terminator(csv::Terminator::Any(b'\n'))
            .from_reader(Watched { source, bytes: 0, last: b'\n' });
        let header = reader.byte_headers().map_err(|source| Error::Csv { path: path.to_owned(), source })?;
        let header = header.iter().map(|field| trim_text(field).into_owned()).collect();
        Ok(Self { reader, path: path.to_owned(), header })
    }

    /// Finds a column by its name.
    ///
    /// # Errors
    /// [`Error::Column`] listing what there is.
    pub(super) fn column(&self, name: &str) -> Result<Column, Error> {
        let index = self.header.iter().position(|column| column == name.trim()).ok_or_else(|| Error::Column {
            path: self.path.clone(),
            wanted: name.to_owned(),
            columns: self.header.clone(),
        })?;
        Ok(Column { name: name.trim().to_owned(), index })
    }

    /// Calls `take` for every row with as many fields as the header; another number of fields makes it malformed.
    /// Blank rows and repetitions of the header (judged by the first field) are counted and left out.
    ///
    /// # Errors
    /// [`Error`] of reading, of the outlet, or of `take` itself.
    pub(super) fn for_each_row<F>(mut self, outlet: &mut Outlet, mut take: F) -> Result<(), Error>
    where
        F: FnMut(&Row<'_>, &mut Outlet) -> Result<(), Untaken>,
    {
        let mut fields = ByteRecord::new();
        let mut read_before = 0;
        loop {
            let more = self.reader.read_byte_record(&mut fields);
            if !more.map_err(|source| Error::Csv { path: self.path.clone(), source })? {
                break;
            }
            let read = self.reader.position().byte();
            outlet.bytes(read - read_before)?;
            read_before = read;
            if fields.iter().all(|field| field.trim_ascii().is_empty()) {
                outlet.note("blank rows left out", 1);
                continue;
            }
            let row = Row { line: self.first_line(&fields), fields: &fields };
            if fields.get(0).map(<[u8]>::trim_ascii) == self.header.first().map(String::as_bytes) {
                outlet.note("repeated headers left out", 1);
                continue;
            }
            outlet.line();
            let taken = if fields.len() == self.header.len() {
                take(&row, outlet)
            } else {
                Err(Untaken::Malformed(format!("has {} fields, the header has {}", fields.len(), self.header.len())))
            };
            match taken {
                Ok(()) => {}
                Err(Untaken::Malformed(reason)) => outlet.malformed(&self.path, row.line, reason)?,
                Err(Untaken::End(error)) => return Err(error),
            }
        }
        outlet.bytes(self.reader.position().byte() - read_before)
    }

    /// The line on which the record read last begins: where it ends less the lines that it spans. (Its own position
    /// would count blank lines before it as part of it.)
    fn first_line(&self, fields: &ByteRecord) -> u64 {
        let (position, watched) = (self.reader.position(), self.reader.get_ref());
        let at_end_without_newline = position.byte() == watched.bytes && watched.last != b'\n';
        let last_line = position.line() - u64::from(!at_end_without_newline);
        let spanned = fields.as_slice().iter().filter(|&&byte| byte == b'\n').count();
        last_line.saturating_sub(spanned as u64)
    }
}

impl Row<'_> {
    /// A field without outer spaces.
    ///
    /// # Errors
    /// A reason when it is not UTF-8.
    pub(super) fn text(&self, column: &Column) -> Result<&str, String> {
        let field = self.fields.get(column.index).unwrap_or_default();
        let text = std::str::from_utf8(field).map_err(|_| format!("{} is not UTF-8", column.name))?;
        Ok(text.trim())
    }

    /// A field without outer spaces, read by `parse`.
    ///
    /// # Errors
    /// A reason that names the column.
    pub(super) fn parse<T, E: std::fmt::Display>(
        &self,
        column: &Column,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, String> {
        parse(self.text(column)?).map_err(|reason| format!("{}: {reason}", column.name))
    }

    /// A field that must hold something.
    ///
    /// # Errors
    /// A reason that names the column.
    pub(super) fn required(&self, column: &Column) -> Result<&str, String> {
        match self.text(column)? {
            "" => Err(format!("{} is empty", column.name)),
            text => Ok(text),
        }
    }

    /// All fields but those of `columns`, without outer spaces.
    pub(super) fn others<'a>(&'a self, columns: &'a [&Column]) -> impl Iterator<Item = &'a [u8]> {
        let other = |index: &usize| !columns.iter().any(|column| column.index == *index);
        (0..self.fields.len()).filter(other).map(|index| self.fields.get(index).unwrap_or_default().trim_ascii())
    }
}

/// A source that remembers how much was taken from it, and the last byte.
struct Watched<R> {
    source: R,
    bytes: u64,
    last: u8,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.bytes += read as u64;
        self.last = buffer[..read].last().copied().unwrap_or(self.last);
        Ok(read)
    }
}

fn trim_text(field: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(field.trim_ascii())
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    #[test]
    fn bom_crlf_blank_rows_and_repeated_headers_are_harmless() {
        let text = "\u{feff}id , n\r\na,1\r\n\r\n\n , \r\nb,\"x\n\"\r\nid, n \r\nc\r\n\"d\",\"4\"";
        let (sender, mut chunks) = mpsc::channel(8);
        let mut outlet = Outlet::new(sender, false);
        let file = CsvFile::new(text.as_bytes(), Path::new("dir/f.csv")).unwrap();
        let (id, n) = (file.column("id").unwrap(), file.column("n").unwrap());
        let mut rows = Vec::new();
        let read = file.for_each_row(&mut outlet, |row, _| {
            let n = row.parse(&n, str::parse::<u32>)?;
            rows.push((row.line, row.text(&id)?.to_owned(), n));
            Ok(())
        });
        read.and_then(|()| outlet.flush()).unwrap();

        assert_eq!(rows, [(2, "a".to_owned(), 1), (10, "d".to_owned(), 4)]);
        let chunk = chunks.try_recv().unwrap();
        let malformed: Vec<_> = chunk.shown.iter().map(|row| (row.line, row.reason.as_str())).collect();
        assert_eq!(malformed, [(6, "n: invalid digit found in string"), (9, "has 1 fields, the header has 2")]);
        assert_eq!((chunk.lines, chunk.malformed, chunk.bytes), (4, 2, text.len() as u64));
        assert_eq!(chunk.notes.values().copied().collect::<Vec<_>>(), [2, 1]);
    }

    #[test]
    fn a_missing_column_lists_what_there_is() {
        let file = CsvFile::new("a,b\n".as_bytes(), Path::new("f.csv")).unwrap();
        assert_eq!(file.column("c").unwrap_err().to_string(), "f.csv has no column \"c\"; its columns are: a, b");
    }
}
