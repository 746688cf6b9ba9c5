use super::*;

#[test]
fn blocks_do_not_change_what_is_best() {
    let offsets = Offsets::from_lengths(&[2, 1, 3, 1, 1]).unwrap();
    let number = |at: usize| ((at * 37 + 11) % 29) as f32 - 14.0;
    let hidden: Vec<f32> = (0..offsets.total() * 4).map(number).collect();
    let table: Vec<f32> = (0..60 * 4).map(|at| number(at * 3 + 1)).collect();
    let mined = || Mined::new(Device::Cpu, 4, &hidden, &offsets, &table, 7);
    let mut whole = mined();
    let mut parts = mined();
    assert_eq!(whole.block, 5);
    parts.block = 2;
    for row in [0, 1, 2, 3, 4, 0, 3] {
        let best = whole.best(row, 9);
        assert_eq!(best, parts.best(row, 9), "row {row}");
        let token = offsets.range(row).end - 1;
        let score = |item: u32| -> f32 {
            let item = &table[item as usize * 4..][..4];
            item.iter().zip(&hidden[token * 4..]).map(|(a, b)| a * b).sum()
        };
        let worst = best.iter().map(|item| score(*item)).fold(f32::INFINITY, f32::min);
        let above = (0..60).filter(|item| score(*item) > worst).count();
        assert!(best.len() == 9 && above < 9, "row {row}");
    }
}
