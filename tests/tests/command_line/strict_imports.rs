use tests::command::Home;

use super::{received, touch_line};

#[test]
fn a_strict_import_stops_at_the_first_malformed_line_and_keeps_what_came_before() {
    let home = Home::new();
    let lines = [touch_line(1), touch_line(2), "nonsense".into(), touch_line(3)];
    let file = home.write("some.jsonl", lines.join("\n"));
    let ran = home.run(&["import", "events", &file, "--register", "--strict"]);
    assert!(ran.stdout.contains("in the reports"), "{}", ran.stdout);
    let error = ran.refused();
    assert!(error.contains("some.jsonl line 3: ") && error.contains("leave --strict out"), "{error}");
    assert_eq!(received(&home), 2);
}

#[test]
fn a_strict_import_of_touches_stops_at_the_first_malformed_row() {
    let home = Home::new();
    let rows = "who,at,came_by,bought,paid\nc1,2026-01-05T00:00:00Z,email,0,0\nc2,yesterday,email,0,0\nc3,2026-01-05T00:00:00Z,email,0,0\n";
    let file = home.write("touches.csv", rows);
    let columns =
        ["--person", "who", "--time", "at", "--channel", "came_by", "--conversion", "bought", "--value", "paid"];
    let import = [&["import", "touches", &file, "--currency", "USD"], columns.as_slice()].concat();
    let error = home.run(&[import.as_slice(), &["--strict"]].concat()).refused();
    assert!(error.contains("touches.csv line 3: at: "), "{error}");
    assert_eq!(received(&home), 1);
    let summary = home.json(&import);
    assert_eq!((&summary["malformed"], &summary["lines"]), (&1.into(), &3.into()), "{summary}");
    assert_eq!(received(&home), 3, "the first one is a duplicate now");
}

#[test]
fn a_strict_import_of_invoices_sends_nothing_of_a_file_with_a_malformed_row() {
    let home = Home::new();
    let rows = "n,i,q,p,t,c,l\n1,A,1,2.50,2026-01-05 00:00:00,7,UK\n1,B,one,2.50,2026-01-05 00:00:00,7,UK\n";
    let file = home.write("invoices.csv", rows);
    let columns =
        ["--invoice", "n", "--item", "i", "--quantity", "q", "--price", "p", "--time", "t", "--customer", "c"];
    let others = ["--country", "l", "--currency", "GBP", "--strict"];
    let ran = home.run(&[&["import", "transactions", &file], columns.as_slice(), &others].concat());
    let error = ran.refused();
    assert!(error.contains("invoices.csv line 3: q: "), "{error}");
    assert_eq!(received(&home), 0);
}
