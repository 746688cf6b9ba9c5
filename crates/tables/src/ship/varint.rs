//! Rising ids as the steps between them, seven bits a byte (LEB128): ids near each other take a byte
//! or two, and no id more than ten.

/// Appends ids, which rise.
pub(super) fn encode(ids: &[u64], out: &mut Vec<u8>) {
    let mut before = 0;
    for id in ids {
        let mut step = id.wrapping_sub(before);
        while step >= 0x80 {
            out.push(step as u8 | 0x80);
            step >>= 7;
        }
        out.push(step as u8);
        before = *id;
    }
}

/// Reads `count` ids that take all of `bytes`.
pub(super) fn decode(bytes: &[u8], count: usize) -> Result<Vec<u64>, String> {
    if count > bytes.len() {
        return Err(format!("{count} ids in {} bytes", bytes.len()));
    }
    // An id takes a byte at least, so this is at most eight times the input.
    let mut ids: Vec<u64> = Vec::with_capacity(count);
    let mut bytes = bytes.iter();
    for at in 0..count {
        let step =
            step(&mut bytes).ok_or_else(|| format!("id {at} is cut off or too large"))?;
        let id = match ids.last() {
            None => Some(step),
            Some(_) if step == 0 => None,
            Some(before) => before.checked_add(step),
        };
        ids.push(id.ok_or_else(|| format!("ids do not rise at {at}"))?);
    }
    match bytes.len() {
        0 => Ok(ids),
        left => Err(format!("{left} bytes after the last id")),
    }
}

fn step(bytes: &mut std::slice::Iter<'_, u8>) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = u64::from(*bytes.next()?);
        let bits = byte & 0x7f;
        if shift == 63 && bits > 1 {
            return None;
        }
        value |= bits << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_back_and_hostile_bytes_do_not() {
        for ids in [vec![], vec![0], vec![0, 1, 127, 128, 1 << 40, u64::MAX], vec![u64::MAX]] {
            let mut bytes = Vec::new();
            encode(&ids, &mut bytes);
            assert_eq!(decode(&bytes, ids.len()).unwrap(), ids);
            assert!(decode(&bytes, ids.len() + 1).is_err());
            bytes.push(0);
            assert!(decode(&bytes, ids.len()).is_err());
        }
        assert!(decode(&[5, 0], 2).unwrap_err().contains("rise"));
        assert!(decode(&[0xff; 10], 1).is_err());
        assert!(decode(&[0x80; 3], 1).is_err());
        let over = [&[0xff; 9][..], &[1, 1]].concat();
        assert!(decode(&over, 2).unwrap_err().contains("rise"));
    }
}
