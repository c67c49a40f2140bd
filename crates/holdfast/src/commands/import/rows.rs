//! One row of an import file: which columns count, and what they say.

use std::borrow::Cow;
use std::fmt;
use std::io::BufRead;

use holdfast_domain::{Count, LocationCode, Name, ProductId, Quantity, Sku};
use serde_json::json;

use crate::cli::ImportArgs;
use crate::csv_table::{CsvTable, Record};

/// A fault in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RowFault {
    /// The line the row begins on.
    pub(super) line: u64,
    /// The column, where one is concerned.
    pub(super) column: Option<Cow<'static, str>>,
    /// What is wrong.
    pub(super) detail: String,
}

impl RowFault {
    /// As results show it.
    pub(super) fn to_json(&self) -> serde_json::Value {
        json!({"line": self.line, "column": self.column, "detail": self.detail})
    }
}

impl fmt::Display for RowFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let column = self.column.as_ref().map_or_else(String::new, |column| format!("{column}: "));
        write!(f, "line {}: {column}{}", self.line, self.detail)
    }
}

/// A row that was read: a product and its first stock at one location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// The line it begins on.
    pub(super) line: u64,
    /// The product.
    pub(super) product: ProductId,
    /// Its SKU.
    pub(super) sku: Sku,
    /// Its name.
    pub(super) name: Name,
    /// Where its stock is.
    pub(super) location: LocationCode,
    /// Its first stock there; `None` is nothing.
    pub(super) quantity: Option<Quantity>,
    /// At this many available units or fewer it is low; `None` where the row does not say.
    pub(super) reorder_level: Option<Count>,
    /// More on hand than this is answered with a warning; `None` where the row does not say.
    pub(super) max_stock_level: Option<Count>,
}

/// A row that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BadRow {
    /// The line it begins on.
    pub(super) line: u64,
    /// Its product, where that can be told.
    pub(super) product: Option<ProductId>,
    /// Whether the product's other rows mean less without this one. A repeated row takes nothing away.
    pub(super) spoils: bool,
    /// Everything that is wrong with it.
    pub(super) faults: Vec<RowFault>,
}

/// Where the first stock of a product is told.
#[derive(Clone, Debug)]
enum FirstStock {
    /// In this column, under the name it has in the file.
    Column(usize, Cow<'static, str>),
    Every(u32),
}

/// The columns that count.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    product_id: usize,
    sku: usize,
    name: usize,
    first_stock: FirstStock,
    reorder_level: Option<usize>,
    max_stock_level: Option<usize>,
    /// The location, where the file names one.
    pub(super) location: Option<usize>,
}

impl Columns {
    /// Finds the columns in the header.
    ///
    /// # Errors
    ///
    /// All that are missing.
    pub(super) fn find<R: BufRead>(table: &CsvTable<R>, args: &ImportArgs) -> Result<Self, String> {
        let mut missing = Vec::new();
        let mut needed = |name: &str| -> Result<usize, String> {
            let place = table.column(name)?;
            if place.is_none() {
                missing.push(name.to_owned());
            }
            Ok(place.unwrap_or_default())
        };
        let (product_id, sku, name) = (needed("product_id")?, needed("sku")?, needed("name")?);
        let first_stock = match (&args.quantity, &args.quantity_column) {
            (Some(quantity), _) => FirstStock::Every(*quantity),
            (None, Some(column)) => FirstStock::Column(needed(column.trim())?, column.trim().to_owned().into()),
            (None, None) => FirstStock::Column(needed("initial_quantity")?, "initial_quantity".into()),
        };
        if !missing.is_empty() {
            return Err(format!("there is no column {}", missing.join(", ")));
        }
        Ok(Self {
            product_id,
            sku,
            name,
            first_stock,
            reorder_level: table.column("reorder_level")?,
            max_stock_level: table.column("max_stock_level")?,
            location: table.column("location_id")?,
        })
    }

    /// Reads a row.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub(super) fn read(&self, record: &Record) -> Result<Row, BadRow> {
        let field = |place: usize| record.fields.get(place).map_or("", String::as_str);
        let mut faults = Faults { line: record.line, all: Vec::new() };
        let id = field(self.product_id).trim();
        let product = match (id, ProductId::parse(id)) {
            ("", _) => faults.note("product_id", "it is empty"),
            (_, None) => faults.note("product_id", &format!("{id:?} is no UUID")),
            (_, product) => product,
        };
        let sku = Sku::new(field(self.sku)).map_err(|unfit| faults.note::<Sku>("sku", unfit.0)).ok();
        let name = Name::new(field(self.name)).map_err(|unfit| faults.note::<Name>("name", unfit.0)).ok();
        let quantity = match &self.first_stock {
            FirstStock::Every(units) => Some(u64::from(*units)),
            FirstStock::Column(place, name) => faults.number(name.clone(), field(*place), u64::from(Quantity::MAX)),
        };
        let reorder_level = faults.limit("reorder_level", self.reorder_level.map_or("", field));
        let max_stock_level = faults.limit("max_stock_level", self.max_stock_level.map_or("", field));
        let location = match self.location.map(|place| field(place).trim()) {
            None | Some("") => Some(LocationCode::main()),
            Some(code) => {
                LocationCode::new(code).map_err(|unfit| faults.note::<LocationCode>("location_id", unfit.0)).ok()
            }
        };
        let read = || {
            Some(Row {
                line: record.line,
                product: product?,
                sku: sku?,
                name: name?,
                location: location?,
                quantity: Quantity::from_u64(quantity?),
                reorder_level,
                max_stock_level,
            })
        };
        read().filter(|_| faults.all.is_empty()).ok_or(BadRow {
            line: record.line,
            product,
            spoils: true,
            faults: faults.all,
        })
    }
}

/// What is wrong with one row.
struct Faults {
    line: u64,
    all: Vec<RowFault>,
}

impl Faults {
    fn note<T>(&mut self, column: impl Into<Cow<'static, str>>, detail: &str) -> Option<T> {
        self.all.push(RowFault { line: self.line, column: Some(column.into()), detail: detail.to_owned() });
        None
    }

    /// Reads a limit; an empty field says nothing.
    fn limit(&mut self, column: &'static str, text: &str) -> Option<Count> {
        if text.trim().is_empty() { None } else { self.number(column, text, Count::MAX).and_then(Count::new) }
    }

    /// Reads a whole number up to `most`.
    fn number(&mut self, column: impl Into<Cow<'static, str>>, text: &str, most: u64) -> Option<u64> {
        let text = text.trim();
        if text.is_empty() {
            return self.note(column, "it is empty");
        }
        let plain = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|number| plain && *number <= most);
        number.or_else(|| self.note(column, &format!("{text:?} is no whole number from 0 to {most}")))
    }
}
