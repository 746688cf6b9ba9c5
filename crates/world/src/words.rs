//! What things are called: made words, with synonyms, so that search has a truth.
//!
//! A topic has concepts, a concept a few words that mean the same, each language its own. A title
//! takes the first word of concepts on its way through the tree, a text takes any, and who searches
//! vaguely says what the title does not.

use crate::dice::{Dice, Purpose, Seed};
use crate::topic::Topics;

const CONCEPTS: u32 = 4;
const SYNONYMS: u32 = 3;
const TITLE_WORDS: usize = 4;
const TEXT_WORDS: usize = 16;

/// The title and the text of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// Four words.
    pub title: String,
    /// Sixteen, synonyms among them.
    pub text: String,
}

/// One concept of a topic node, in one language.
#[derive(Debug, Clone, Copy)]
struct Concept {
    language: u8,
    node: u32,
    concept: u32,
}

impl Concept {
    /// Drawn on the way to the leaf; the leaf itself comes up most.
    fn draw(topics: &Topics, leaf: u32, language: u8, dice: &mut Dice) -> Concept {
        let depth = topics.depth();
        let up = if dice.chance(0.6) { 0 } else { dice.below(depth as u32) as usize };
        let node = topics.node(leaf, depth - 1 - up);
        Concept { language, node, concept: dice.below(CONCEPTS) }
    }

    /// One of its words. Two concepts never share one: it spells the concept's number.
    fn word(self, synonym: u32) -> String {
        const BEGIN: [&str; 16] = [
            "ba", "ke", "lo", "mi", "nu", "pa", "re", "so", "ti", "vu", "za", "de", "fo", "gi",
            "hu", "ja",
        ];
        const END: [&str; 8] = ["n", "r", "l", "s", "x", "m", "k", "th"];
        let number = ((self.node * CONCEPTS + self.concept) * SYNONYMS + synonym) as usize;
        let mut rest = number;
        let mut word = String::new();
        loop {
            word.push_str(BEGIN[rest % BEGIN.len()]);
            rest /= BEGIN.len();
            if rest == 0 {
                break;
            }
        }
        word.push_str(END[usize::from(self.language) % END.len()]);
        if self.language as usize >= END.len() {
            word.push_str(&(self.language as usize / END.len()).to_string());
        }
        word
    }
}

/// The words of item `id`.
pub(crate) fn item(topics: &Topics, seed: &Seed, id: u32, leaf: u32, language: u8) -> Words {
    let mut dice = seed.dice(Purpose::Words, id.into(), 0);
    let title = (0..TITLE_WORDS)
        .map(|_| Concept::draw(topics, leaf, language, &mut dice).word(0))
        .collect::<Vec<_>>();
    let text = (0..TEXT_WORDS)
        .map(|_| {
            let concept = Concept::draw(topics, leaf, language, &mut dice);
            concept.word(dice.below(SYNONYMS))
        })
        .collect::<Vec<_>>();
    Words { title: title.join(" "), text: text.join(" ") }
}

/// What someone says who knows the title: two or three of its words.
pub(crate) fn precise(title: &str, dice: &mut Dice) -> String {
    let words: Vec<&str> = title.split(' ').collect();
    let first = dice.below(2) as usize;
    let last = (first + 2 + dice.below(2) as usize).min(words.len());
    words[first.min(last)..last].join(" ")
}

/// What someone says who means a leaf topic: other words than titles use.
pub(crate) fn vague(topics: &Topics, leaf: u32, language: u8, dice: &mut Dice) -> String {
    let word = |dice: &mut Dice| {
        let node = topics.node(leaf, topics.depth() - 1);
        let concept = Concept { language, node, concept: dice.below(CONCEPTS) };
        concept.word(1 + dice.below(SYNONYMS - 1))
    };
    let (first, second) = (word(dice), word(dice));
    if first == second { first } else { format!("{first} {second}") }
}
