//! An answer that holds its request's place until it is sent.

use super::Place;
use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A body as it was; the place is given back when it goes.
pub(super) struct Held {
    body: Body,
    _place: Place,
}

impl Held {
    /// The answer, holding a place where there is one.
    pub fn by(place: Option<Place>, response: Response) -> Response {
        match place {
            Some(place) => response.map(|body| {
                Body::new(Held {
                    body,
                    _place: place,
                })
            }),
            None => response,
        }
    }
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}
