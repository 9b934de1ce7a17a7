//! The words that persons and their facts are drawn from.

/// First names of women; as many as of men.
pub(super) const WOMEN: [&str; 24] = [
    "ada", "berta", "clara", "dora", "edith", "flora", "greta", "helen", "irma", "judith", "karin",
    "laura", "maria", "nora", "olga", "paula", "rosa", "sarah", "thea", "ursula", "vera", "wanda",
    "xenia", "zoe",
];

/// First names of men.
pub(super) const MEN: [&str; 24] = [
    "adam", "bruno", "carl", "david", "emil", "felix", "georg", "hugo", "ivan", "jakob", "klaus",
    "louis", "max", "niels", "oscar", "peter", "quentin", "robert", "simon", "theo", "ulrich",
    "victor", "walter", "yuri",
];

/// Last names. None is a first name.
pub(super) const LAST_NAMES: [&str; 60] = [
    "abbott",
    "adler",
    "archer",
    "baker",
    "barlow",
    "becker",
    "berg",
    "bishop",
    "brandt",
    "carver",
    "collins",
    "cooper",
    "dahl",
    "dalton",
    "draper",
    "eaton",
    "ellis",
    "falk",
    "fisher",
    "forster",
    "gardner",
    "goldman",
    "graham",
    "hagen",
    "harper",
    "holm",
    "hunter",
    "jansen",
    "keller",
    "kirk",
    "koch",
    "lambert",
    "larsen",
    "lindqvist",
    "mason",
    "mercer",
    "miller",
    "moss",
    "nagel",
    "norris",
    "ortiz",
    "palmer",
    "parker",
    "quist",
    "reed",
    "richter",
    "sachs",
    "schmidt",
    "sharp",
    "sommer",
    "taylor",
    "thorn",
    "turner",
    "ulmer",
    "vogel",
    "wagner",
    "weaver",
    "winter",
    "wolf",
    "zimmer",
];

/// Places of birth and homes.
pub(super) const CITIES: [&str; 12] = [
    "basel", "bergen", "cairo", "dublin", "genoa", "kyoto", "lima", "oslo", "paris", "prague",
    "turin", "vienna",
];

/// Professions, none of which begins with a vowel.
pub(super) const PROFESSIONS: [&str; 10] = [
    "banker", "chemist", "dancer", "dentist", "jurist", "nurse", "painter", "pilot", "poet",
    "teacher",
];

/// Instruments.
pub(super) const INSTRUMENTS: [&str; 8] = [
    "banjo", "cello", "flute", "guitar", "harp", "horn", "piano", "viola",
];
