//! The page behind the `type` of a problem: what its code means and what to do about it.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};

use crate::code::ProblemCode;
use crate::path;
use crate::problem::Problem;

/// Explains a problem's code.
#[utoipa::path(
    get, path = "/problems/{code}", tag = "status",
    params(("code" = String, Path, description = "The code.")),
    responses((status = 200, description = "What the code means.", body = String, content_type = "text/plain"))
)]
pub(crate) async fn explain_problem(request: Request) -> Result<Response, Problem> {
    let (mut parts, _) = request.into_parts();
    let word = path::part(&mut parts, "code", |text| Ok(text.to_owned())).await?;
    let code = ProblemCode::parse(&word)
        .ok_or_else(|| Problem::new(ProblemCode::NotFound, "There is no problem with this code."))?;
    let retry = if code.retryable() { "The same request may succeed later." } else { "The same request fails again." };
    let (status, title, help) = (code.status(), code.title(), code.help());
    Ok(format!("{title}\n\nCode:   {word}\nStatus: {status}\n\n{help}\n\n{retry}\n").into_response())
}
