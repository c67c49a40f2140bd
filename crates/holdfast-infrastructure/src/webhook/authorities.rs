//! Who vouches for the certificates of endpoints.

use std::path::Path;
use std::sync::Arc;

use ureq::tls::{Certificate, PemItem, RootCerts, parse_pem};

/// Mozilla's roots, or those of a file in their place.
#[derive(Clone, Debug)]
pub struct Authorities(pub(super) RootCerts);

/// Why a file names nobody who vouches.
#[derive(Debug, thiserror::Error)]
pub enum UnfitAuthorities {
    /// It cannot be read.
    #[error("{0}")]
    Unreadable(#[from] std::io::Error),
    /// It is not PEM.
    #[error("it is no PEM")]
    NoPem,
    /// Something else than certificates stands there, or nothing.
    #[error("it holds no certificate")]
    NoCertificate,
}

impl Default for Authorities {
    /// Mozilla's roots.
    fn default() -> Self {
        Self(RootCerts::WebPki)
    }
}

impl Authorities {
    /// Those whose certificates stand in this file, in PEM, and nobody else.
    ///
    /// # Errors
    ///
    /// [`UnfitAuthorities`].
    pub fn in_file(path: &Path) -> Result<Self, UnfitAuthorities> {
        let text = std::fs::read(path)?;
        let items: Result<Vec<PemItem<'_>>, _> = parse_pem(&text).collect();
        let certificate = |item| match item {
            PemItem::Certificate(certificate) => Some(certificate),
            _ => None,
        };
        let items = items.map_err(|_| UnfitAuthorities::NoPem)?;
        let certificates: Vec<Certificate<'static>> = items.into_iter().filter_map(certificate).collect();
        if certificates.is_empty() {
            return Err(UnfitAuthorities::NoCertificate);
        }
        Ok(Self(RootCerts::Specific(Arc::new(certificates))))
    }
}
