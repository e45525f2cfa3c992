/* Zone abbreviations as logs write them, with the offsets of the tz database's current rules. Of
 * those that name several zones the ones are left out on which no default can be right without
 * knowing the machine (IST, CST of China): cn_zone_abbreviation_in() knows. CST, EST, MST, PST are
 * those of North America, BST that of Britain. */
#include "base/text.h"
#include "parse/zone.h"

static const struct {
    const char *name;
    int16_t minutes;
} abbreviations[] = {
    {"UTC", 0},    {"GMT", 0},    {"Z", 0},       {"UCT", 0},     {"WET", 0},    {"WEST", 60},
    {"BST", 60},   {"CET", 60},   {"CEST", 120},  {"MET", 60},    {"MEST", 120}, {"EET", 120},
    {"EEST", 180}, {"MSK", 180},  {"EAT", 180},   {"CAT", 120},   {"WAT", 60},   {"SAST", 120},
    {"EST", -300}, {"EDT", -240}, {"CST", -360},  {"CDT", -300},  {"MST", -420}, {"MDT", -360},
    {"PST", -480}, {"PDT", -420}, {"AKST", -540}, {"AKDT", -480}, {"HST", -600}, {"AST", -240},
    {"ADT", -180}, {"NST", -210}, {"NDT", -150},  {"JST", 540},   {"KST", 540},  {"HKT", 480},
    {"SGT", 480},  {"PKT", 300},  {"WIB", 420},   {"WITA", 480},  {"WIT", 540},  {"AWST", 480},
    {"ACST", 570}, {"ACDT", 630}, {"AEST", 600},  {"AEDT", 660},  {"NZST", 720}, {"NZDT", 780},
    {"BRT", -180}, {"ART", -180},
};

/* "+03", "-0730", "+05:30" */
static bool numeric(cn_span s, int64_t *out)
{
    if (s.len < 3 || (s.p[0] != '+' && s.p[0] != '-'))
        return false;
    uint64_t hours, minutes = 0;
    cn_span rest = cn_span_sub(s, 3, s.len);
    if (cn_span_starts(rest, ":"))
        rest = cn_span_sub(rest, 1, rest.len);
    if (!cn_text_u64(cn_span_sub(s, 1, 2), &hours) || hours > 26)
        return false;
    if (s.len > 3 && (rest.len != 2 || !cn_text_u64(rest, &minutes) || minutes > 59))
        return false;
    int64_t seconds = (int64_t) (hours * 3600 + minutes * 60);
    *out = s.p[0] == '-' ? -seconds : seconds;
    return true;
}

bool cn_zone_abbreviation(cn_span text, int64_t *out_offset_seconds)
{
    for (size_t i = 0; i < CN_LEN(abbreviations); i++)
        if (cn_span_is(text, abbreviations[i].name)) {
            *out_offset_seconds = abbreviations[i].minutes * 60;
            return true;
        }
    return numeric(text, out_offset_seconds);
}
