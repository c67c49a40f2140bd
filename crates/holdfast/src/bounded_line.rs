//! Lines of files that anybody may have made: one without an end must not take all memory.

use std::io::{self, BufRead, Read};

/// Reads the next line with its end into `line`, which is empty. Of one that is longer than `most` bytes only the first
/// `most` + 1 are kept, and the rest is passed over. `false` at the end of the input.
pub(crate) fn read_line(input: &mut dyn BufRead, line: &mut Vec<u8>, most: usize) -> io::Result<bool> {
    let kept = crate::numbers::count(most.saturating_add(1));
    if Read::take(&mut *input, kept).read_until(b'\n', line)? == 0 {
        return Ok(false);
    }
    if line.len() > most && line.last() != Some(&b'\n') {
        input.skip_until(b'\n')?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_cut_and_the_next_line_is_whole() {
        let mut input: &[u8] = b"1234\n12345\n123456\n\n1234567890";
        let mut lines = Vec::new();
        loop {
            let mut line = Vec::new();
            if !read_line(&mut input, &mut line, 5).expect("it can be read") {
                break;
            }
            lines.push(String::from_utf8(line).expect("text"));
        }
        assert_eq!(lines, ["1234\n", "12345\n", "123456", "\n", "123456"]);
    }
}
