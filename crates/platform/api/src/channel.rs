//! How clients reach servers: over TCP between processes, over an in-memory pipe inside one process.
//! The same generated clients run over both, so that nothing else knows which it is.
//!
//! Must never know: which services there are.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tonic::transport::server::Connected;
use tonic::transport::{Channel, Endpoint};

/// Longest message that clients and servers send or accept, in bytes; [`sized!`](crate::sized) applies it.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024 * 1024;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TCP_KEEPALIVE: Duration = Duration::from_secs(60);
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes that one side of an in-memory connection may be ahead of the other.
const PIPE_BYTES: usize = 1024 * 1024;
/// Connections that may wait to be accepted.
const PIPE_BACKLOG: usize = 64;
/// Flow-control windows: the 64 KiB of HTTP/2 would make large batches wait for the peer.
const STREAM_WINDOW_BYTES: u32 = 2 * 1024 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 8 * 1024 * 1024;

/// Applies [`MAX_MESSAGE_BYTES`] in both directions to a generated client or server.
#[macro_export]
macro_rules! sized {
    ($stub:expr) => {
        $stub.max_decoding_message_size($crate::MAX_MESSAGE_BYTES).max_encoding_message_size($crate::MAX_MESSAGE_BYTES)
    };
}

/// Why there is no channel.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// The address cannot be read.
    #[error("{address:?} is not an address; write it as 127.0.0.1:7070 or http://host:port")]
    Address {
        /// What was given.
        address: String,
    },
    /// Encryption was asked for.
    #[error("{address:?} asks for TLS, which this build does not speak; use http:// or a local proxy that does")]
    Tls {
        /// What was given.
        address: String,
    },
    /// Nobody answers.
    #[error("cannot connect to {address}")]
    Connect {
        /// Where to.
        address: String,
        /// Why.
        #[source]
        source: tonic::transport::Error,
    },
}

/// A channel to `host:port` or `http://host:port`. It connects with its first call and again whenever it has to.
/// Must be called inside a tokio runtime.
///
/// # Errors
/// [`ChannelError`] when the address cannot be read or asks for TLS.
pub fn tcp(address: &str) -> Result<Channel, ChannelError> {
    Ok(endpoint(address)?.connect_lazy())
}

/// As [`tcp`], but connects at once, so that a wrong address shows at the start.
///
/// # Errors
/// [`ChannelError`] when the address cannot be read or nobody answers within 5 s.
pub async fn tcp_connected(address: &str) -> Result<Channel, ChannelError> {
    let connected = endpoint(address)?.connect().await;
    connected.map_err(|source| ChannelError::Connect { address: address.to_owned(), source })
}

fn endpoint(address: &str) -> Result<Endpoint, ChannelError> {
    let invalid = || ChannelError::Address { address: address.to_owned() };
    let text = address.trim();
    if text.starts_with("https://") {
        return Err(ChannelError::Tls { address: address.to_owned() });
    }
    let uri = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let endpoint = Endpoint::from_shared(uri).map_err(|_| invalid())?;
    if endpoint.uri().scheme_str() != Some("http") || endpoint.uri().port().is_none() {
        return Err(invalid());
    }
    Ok(tuned(endpoint)
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .tcp_keepalive(Some(TCP_KEEPALIVE))
        .http2_keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .keep_alive_while_idle(true))
}

fn tuned(endpoint: Endpoint) -> Endpoint {
    endpoint
        .initial_stream_window_size(Some(STREAM_WINDOW_BYTES))
        .initial_connection_window_size(Some(CONNECTION_WINDOW_BYTES))
}

/// A channel inside this process and the connections it makes, for `serve_with_incoming`. The channel reconnects as
/// often as it has to while [`Incoming`] lives; afterwards its calls end with UNAVAILABLE.
/// Must be called inside a tokio runtime.
#[must_use]
pub fn in_memory() -> (Channel, Incoming) {
    let (sender, receiver) = mpsc::channel(PIPE_BACKLOG);
    let connector = tower::service_fn(move |_: http::Uri| {
        let sender = sender.clone();
        async move {
            let (client, server) = tokio::io::duplex(PIPE_BYTES);
            match sender.send(MemoryConnection(server)).await {
                Ok(()) => Ok(TokioIo::new(client)),
                Err(_) => Err(io::Error::new(io::ErrorKind::ConnectionRefused, "the server in this process is gone")),
            }
        }
    });
    let endpoint = tuned(Endpoint::from_static("http://in-memory"));
    (endpoint.connect_with_connector_lazy(connector), Incoming(receiver))
}

/// The connections of an in-memory channel; ends when the last clone of the channel is gone.
#[derive(Debug)]
pub struct Incoming(mpsc::Receiver<MemoryConnection>);

impl Stream for Incoming {
    type Item = Result<MemoryConnection, io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|connection| connection.map(Ok))
    }
}

/// The server's end of one in-memory connection.
#[derive(Debug)]
pub struct MemoryConnection(DuplexStream);

/// Marks requests that came over an in-memory connection, in their extensions.
#[derive(Clone, Copy, Debug)]
pub struct MemoryConnectInfo;

impl Connected for MemoryConnection {
    type ConnectInfo = MemoryConnectInfo;

    fn connect_info(&self) -> MemoryConnectInfo {
        MemoryConnectInfo
    }
}

impl AsyncRead for MemoryConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for MemoryConnection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
