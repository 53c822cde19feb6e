//! What a caller shows to be let in.
//!
//! Must never know: what keys may do.

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::{Request, Status};

use crate::Error;

const AUTHORIZATION: &str = "authorization";

/// An API key, or none: a server without keys trusts its callers. Its debug text does not show the key.
#[derive(Clone, Debug, Default)]
pub struct Credentials(Option<MetadataValue<Ascii>>);

impl Credentials {
    /// Sends `key` as a bearer token.
    ///
    /// # Errors
    /// [`Error::InvalidApiKey`] when it holds characters that no header may hold.
    pub(crate) fn api_key(key: &str) -> Result<Self, Error> {
        let token = format!("Bearer {}", key.trim());
        let mut token: MetadataValue<Ascii> = token.parse().map_err(|_| Error::InvalidApiKey)?;
        token.set_sensitive(true);
        Ok(Self(Some(token)))
    }
}

impl Interceptor for Credentials {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request.metadata_mut().insert(AUTHORIZATION, token.clone());
        }
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_sent_and_never_shown() {
        let mut credentials = Credentials::api_key(" secret\n").unwrap();
        let request = credentials.call(Request::new(())).unwrap();
        assert_eq!(request.metadata().get(AUTHORIZATION).unwrap().to_str().unwrap(), "Bearer secret");
        assert!(!format!("{credentials:?}").contains("secret"));
        assert!(matches!(Credentials::api_key("a\nb"), Err(Error::InvalidApiKey)));
    }

    #[test]
    fn without_a_key_nothing_is_sent() {
        let request = Credentials::default().call(Request::new(())).unwrap();
        assert!(request.metadata().is_empty());
    }
}
