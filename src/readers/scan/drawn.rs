//! Whether a value was drawn at random or put together of words.

use super::checks::entropy;

/// How much oftener two letters follow one another in the words of programs than if drawn: `5` is as often,
/// each step above twice as often, each below half as often. A row is the first letter, a column the second.
/// Counted over the identifiers of public repositories in seven languages.
const PAIRS: [&[u8; 26]; 26] = [
    b"56764562624867263778554353",
    b"64446433532643532453523242",
    b"74547437636643832647533242",
    b"64558433733443642553533332",
    b"75786653433768364987464643",
    b"54446532733522532444423243",
    b"53337354523435532653533332",
    b"63337222523333633434422232",
    b"65766562333668863677363426",
    b"43234223323322432232332222",
    b"43336333522333332353423232",
    b"74458333723643743355543252",
    b"74347333632453663343433332",
    b"73777573634445643478553233",
    b"55663453535668562866656432",
    b"74447345523633662756533242",
    b"32222232222432222222522222",
    b"74559453725455742576553353",
    b"63648436724444664378634342",
    b"74548336822543742776533252",
    b"56545343522657362666332323",
    b"63337232623332433332322233",
    b"52335333522324432443233322",
    b"32434223432333252335232322",
    b"33334222322344352244223323",
    b"42335222322332322222322322",
];
const AS_OFTEN: i32 = 5;
/// Words seldom have a digit at their side; of two drawn letters and digits every second pair is mixed.
const MIXED: i32 = 3;
/// A word begins every six letters or so, but every fourth pair of drawn letters looks like a beginning.
const BEGINNING: i32 = 2;
/// Scores of one drawn value in a hundred, and of most words, are higher.
const HIGHEST: i32 = -2;

/// Whether letters and digits follow one another as if drawn. `datadogApiKeyForProduction` is put together
/// of words: their letters are neighbours in the way of words, and digits stand at their ends.
pub(super) fn is_drawn(value: &str) -> bool {
    let bytes = value.as_bytes();
    let letters = bytes.iter().filter(|b| b.is_ascii_alphabetic()).count();
    let digits = bytes.iter().any(u8::is_ascii_digit);
    let mixed = bytes.iter().any(u8::is_ascii_uppercase) && bytes.iter().any(u8::is_ascii_lowercase);
    let least = if bytes.len() >= 24 { 3.0 } else { 2.5 };
    entropy(bytes) >= least
        && 8 * letters >= bytes.len()
        && (digits || mixed || bytes.len() >= 20)
        && score(bytes) <= HIGHEST
}

/// The logarithm, roughly in bits, of how much likelier the value is as words than as drawn.
fn score(bytes: &[u8]) -> i32 {
    bytes.windows(2).map(|pair| weigh(pair[0], pair[1])).sum()
}

fn weigh(a: u8, b: u8) -> i32 {
    if a.is_ascii_lowercase() && b.is_ascii_uppercase() {
        -BEGINNING
    } else if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() {
        let at = |c: u8| usize::from(c.to_ascii_lowercase() - b'a');
        i32::from(PAIRS[at(a)][at(b)] - b'0') - AS_OFTEN
    } else if a.is_ascii_alphanumeric()
        && b.is_ascii_alphanumeric()
        && a.is_ascii_digit() != b.is_ascii_digit()
    {
        -MIXED
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE62: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const BASE64URL: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";

    #[test]
    fn at_most_one_drawn_value_in_a_hundred_is_taken_for_words() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut draw = |alphabet: &[u8]| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from(alphabet[(state >> 33) as usize % alphabet.len()])
        };
        const COUNT: usize = 2000;
        for (alphabet, length) in [
            (&BASE62[..10 + 26], 16),
            (&BASE62[..10 + 26], 20),
            (&BASE62[..10 + 26], 32),
            ("0123456789abcdefghijklmnopqrstuvwxyz", 16),
            ("0123456789abcdefghijklmnopqrstuvwxyz", 24),
            ("0123456789abcdefghijklmnopqrstuvwxyz", 32),
            ("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 32),
            ("0123456789abcdef", 16),
            ("0123456789abcdef", 32),
            ("0123456789abcdef", 40),
            (BASE62, 16),
            (BASE62, 20),
            (BASE62, 24),
            (BASE62, 32),
            (BASE62, 40),
            (BASE64URL, 22),
            (BASE64URL, 43),
        ] {
            let value = |_| (0..length).map(|_| draw(alphabet.as_bytes())).collect::<String>();
            let lost = (0..COUNT).map(value).filter(|v| !is_drawn(v)).count();
            assert!(100 * lost <= COUNT, "{lost} of {COUNT} values of {length} of {alphabet}");
        }
    }

    #[test]
    fn what_is_put_together_of_words_is_not_drawn() {
        for value in [
            "datadogApiKeyForProduction1",
            "shop-production-frontend-and-backend-services",
            "my_application_key_for_production_2024",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "00000000000000000000000000000001",
            "averylonglowercasestringofwords",
            "YourDatadogApiKeyGoesHereInThisPlace",
            "AbstractSingletonProxyFactoryBean",
            "kube_apiserver_enable_admission_plugins",
            "application-production-2.properties",
            "SECRET_MANAGER_PROJECT_ID_V2",
            "HTTPServletRequestWrapper3",
            "20240105123456",
            "2024-01-05T10-20-30",
            "test_get_user_by_id_returns_404",
            "sha256WithRSAEncryption",
            "ec2-instance-connect-endpoint",
        ] {
            assert!(!is_drawn(value), "{value}");
        }
    }
}
