//! Catalogues as people have them.

use serde_json::{Value, json};

use crate::program::{Program, argument};

const LAMP: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa6";
const CHAIR: &str = "4b951d62-ddd4-5c25-a931-540e99ec4d22";
const TABLE: &str = "95570777-a170-5cd6-98a5-117f65ca1582";

#[test]
fn a_file_may_be_imported_again_and_names_follow_while_stock_stays() {
    let program = Program::new();
    let header = "product_id,sku,name,initial_quantity,reorder_level,max_stock_level";
    let first = format!("{header}\n{LAMP},L,Lamp,5,1,50\n{CHAIR},C,Chair,0,1,50\n");
    assert_eq!(
        import(&program, &first, &[]),
        (0, json!({"created": 2, "updated": 0, "unchanged": 0, "bad": 0, "errors": []}))
    );
    assert_eq!(counts(&import(&program, &first, &[]).1), (0, 0, 2, 0));
    let second = format!("{header}\n{LAMP},L,Reading lamp,7,2,50\n{CHAIR},C,Chair,9,1,50\n{TABLE},T,Table,1,1,50\n");
    assert_eq!(counts(&import(&program, &second, &["--dry-run"]).1), (1, 1, 1, 0));
    assert_eq!(counts(&import(&program, &second, &[]).1), (1, 1, 1, 0));
    assert_eq!(levels(&program), [("C", "Chair", 0), ("L", "Reading lamp", 5), ("T", "Table", 1)].map(owned));
}

#[test]
fn an_odd_file_is_read_all_the_same() {
    let program = Program::new();
    let file = format!(
        "\u{feff}Remark,NAME,Sku,PRODUCT_ID,Initial_Quantity\r\n\
         \"a, b\",\"Lamp \"\"Aurora\"\", brass\",L 1,{},5\r\n\r\n,Stühle,C,{CHAIR}, 7 \r\n",
        LAMP.to_uppercase()
    );
    assert_eq!(counts(&import(&program, &file, &[]).1), (2, 0, 0, 0));
    assert_eq!(levels(&program), [("C", "Stühle", 7), ("L 1", "Lamp \"Aurora\", brass", 5)].map(owned));
    let products = program.done(&["export", "products", "--format", "jsonl"]).json_lines();
    assert_eq!((&products[0]["reorder_level"], &products[0]["max_stock_level"]), (&json!(10), &json!(1_000)));
}

#[test]
fn limits_that_a_file_does_not_say_stay_as_they_are() {
    let program = Program::new();
    let first = format!("product_id,sku,name,initial_quantity,reorder_level,max_stock_level\n{LAMP},L,Lamp,5,3,70\n");
    import(&program, &first, &[]);
    let names = format!("product_id,sku,name,initial_quantity\n{LAMP},L,Reading lamp,5\n{CHAIR},C,Chair,1\n");
    assert_eq!(counts(&import(&program, &names, &["--dry-run"]).1), (1, 1, 0, 0));
    assert_eq!(counts(&import(&program, &names, &[]).1), (1, 1, 0, 0));
    assert_eq!(counts(&import(&program, &names, &[]).1), (0, 0, 2, 0));
    assert_eq!(limits(&program), [("C", 10, 1_000), ("L", 3, 70)].map(|(sku, low, most)| (sku.to_owned(), low, most)));
    let one =
        format!("product_id,sku,name,initial_quantity,reorder_level,max_stock_level\n{LAMP},L,Reading lamp,5,,80\n");
    assert_eq!(counts(&import(&program, &one, &[]).1), (0, 1, 0, 0));
    assert_eq!(limits(&program)[1], ("L".to_owned(), 3, 80));
}

#[test]
fn bad_rows_are_told_with_line_and_column_and_the_good_ones_count() {
    let program = Program::new();
    let row = |id: &str, rest: &str| format!("{id},{rest}\n");
    let ids = |last: u32| format!("00000000-0000-4000-8000-{last:012}");
    let file = [
        "product_id,sku,name,initial_quantity,reorder_level,max_stock_level\n".to_owned(),
        row(LAMP, "L,Lamp,5,1,50"),
        row("", "A,No id,5,1,50"),
        row("123", "B,Odd id,5,1,50"),
        row(&ids(5), " C,Space,5,1,50"),
        row(&ids(6), "D,,5,1,50"),
        row(&ids(7), "E,Negative,-1,1,50"),
        row(&ids(8), "F,Fraction,1.0,1,50"),
        row(&ids(9), "G,Huge,1000000001,1,50"),
        row(&ids(10), "H,Huge level,1,9007199254740992,99999999999999999999999"),
        row(&ids(11), "I,Nothing,,1,50"),
        row(&ids(12), "L,Same sku,5,1,50"),
        row(LAMP, "L,Lamp,5,1,50"),
        row(&ids(14), "J,Too few fields,5"),
        row(CHAIR, "C,Chair,5,,"),
    ]
    .concat();
    let (exit, said) = import(&program, &file, &[]);
    assert_eq!((exit, counts(&said)), (9, (2, 0, 0, 12)));
    let told: Vec<(u64, Option<&str>)> = said["errors"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|error| (error["line"].as_u64().expect("a line"), error["column"].as_str()))
        .collect();
    let column = Some;
    assert_eq!(
        told,
        [
            (3, column("product_id")),
            (4, column("product_id")),
            (5, column("sku")),
            (6, column("name")),
            (7, column("initial_quantity")),
            (8, column("initial_quantity")),
            (9, column("initial_quantity")),
            (10, column("reorder_level")),
            (10, column("max_stock_level")),
            (11, column("initial_quantity")),
            (12, column("sku")),
            (13, column("product_id")),
            (14, None),
        ]
    );
    assert_eq!(levels(&program), [("C", "Chair", 5), ("L", "Lamp", 5)].map(owned));
}

#[test]
fn faults_are_told_under_the_names_of_the_file_and_not_without_end() {
    let program = Program::new();
    let id = |last: u32| format!("00000000-0000-4000-8000-{last:012}");
    let rows: Vec<String> = (0..1_000).map(|number| format!("{},,Name,many\n", id(number))).collect();
    let file = format!("product_id,sku,name,Shelf\n{}", rows.concat());
    let path = program.file("bad.csv", file);
    let said = program.run(&["import", path.to_str().expect("text"), "--quantity-column", "Shelf"]);
    assert_eq!((said.exit, &said.json()["bad"]), (Some(9), &serde_json::json!(1_000)));
    let errors = said.json()["errors"].as_array().expect("a list").clone();
    assert_eq!((errors.len(), &errors[0]["column"], &errors[1]["column"]), (1_000, &"sku".into(), &"Shelf".into()));
    assert!(said.stderr.contains("… and 1000 faults more; 1000 bad rows in all"), "{}", said.stderr);
}

#[test]
fn another_products_sku_in_the_store_is_a_bad_row() {
    let program = Program::new();
    let header = "product_id,sku,name,initial_quantity";
    import(&program, &format!("{header}\n{LAMP},L,Lamp,5\n"), &[]);
    for dry in [&["--dry-run"][..], &[]] {
        let (exit, said) = import(&program, &format!("{header}\n{CHAIR},L,Chair,5\n{TABLE},T,Table,5\n"), dry);
        assert_eq!((exit, counts(&said)), (9, (1, 0, 0, 1)));
        assert_eq!(said["errors"][0]["column"], "sku");
    }
}

#[test]
fn rows_of_several_locations_belong_together_and_unknown_places_spoil_them() {
    let program = Program::new();
    let header = "product_id,sku,name,initial_quantity,location_id";
    let file =
        format!("{header}\n{LAMP},L,Lamp,5,main\n{CHAIR},C,Chair,2,\n{LAMP},L,Lamp,3,berlin\n{CHAIR},C,Chair,1,main\n");
    let (exit, said) = import(&program, &file, &[]);
    assert_eq!((exit, counts(&said)), (9, (1, 0, 0, 3)));
    assert_eq!(levels(&program), [("C", "Chair", 2)].map(owned));
    let told: Vec<&str> =
        said["errors"].as_array().expect("a list").iter().filter_map(|e| e["detail"].as_str()).collect();
    assert_eq!(
        told,
        [
            "left out, because line 4 of the same product is bad",
            "there is no location berlin",
            "the product stands at main already (line 3)",
        ]
    );
}

#[test]
fn a_file_without_the_columns_is_no_catalogue() {
    let program = Program::new();
    for (file, words) in [
        ("", "it is empty"),
        ("sku,price\n", "there is no column product_id, name, initial_quantity"),
        ("product_id,sku,name,initial_quantity,SKU\n", "the column sku stands twice"),
    ] {
        let path = program.file("catalogue.csv", file);
        let said = program.run(&["import", argument(&path)]);
        assert_eq!(said.exit, Some(7), "{said:?}");
        assert!(said.stderr.contains(words), "{said:?}");
    }
    assert_eq!(program.run(&["import", "nowhere.csv"]).exit, Some(5));
    assert_eq!(program.run(&["import"]).exit, Some(2));
    assert_eq!(program.run(&["import", "x.csv", "--quantity", "1000000001"]).exit, Some(2));
}

#[test]
fn the_first_stock_may_come_from_another_column_or_from_the_command_line() {
    let program = Program::new();
    let file = format!("product_id,sku,name,Shelf\n{LAMP},L,Lamp,5\n");
    assert_eq!(counts(&import(&program, &file, &["--quantity-column", "shelf"]).1), (1, 0, 0, 0));
    let file = format!("product_id,sku,name,Shelf\n{CHAIR},C,Chair,x\n");
    assert_eq!(counts(&import(&program, &file, &["--quantity", "12"]).1), (1, 0, 0, 0));
    assert_eq!(levels(&program), [("C", "Chair", 12), ("L", "Lamp", 5)].map(owned));
}

fn import(program: &Program, file: &str, more: &[&str]) -> (i32, Value) {
    let said = program.run_with_input(&[&["import", "-"], more].concat(), file.as_bytes());
    (said.exit.expect("an exit code"), said.json())
}

fn counts(said: &Value) -> (u64, u64, u64, u64) {
    let count = |name: &str| said[name].as_u64().expect("a count");
    (count("created"), count("updated"), count("unchanged"), count("bad"))
}

fn limits(program: &Program) -> Vec<(String, u64, u64)> {
    let products = program.done(&["export", "products", "--format", "jsonl"]).json_lines();
    let number = |product: &Value, name: &str| product[name].as_u64().expect("a number");
    let sku = |product: &Value| product["sku"].as_str().expect("a text").to_owned();
    products.iter().map(|one| (sku(one), number(one, "reorder_level"), number(one, "max_stock_level"))).collect()
}

fn levels(program: &Program) -> Vec<(String, String, u64)> {
    let products = program.done(&["export", "products", "--format", "jsonl"]).json_lines();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    products
        .iter()
        .map(|row| (text(&row["sku"]), text(&row["name"]), row["available"].as_u64().expect("units")))
        .collect()
}

fn owned((sku, name, available): (&str, &str, u64)) -> (String, String, u64) {
    (sku.to_owned(), name.to_owned(), available)
}
