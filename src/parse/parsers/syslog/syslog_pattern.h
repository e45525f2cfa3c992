/* Patterns over the body of a syslog line: literal text with {x} for what is taken out.
 *
 *   {u} username, up to the last occurrence of what follows     {n} username, up to the first
 *   {U} target_username (first)      {b} by_username (first)    {v} "USER ADDRESS", split at its
 * last blank {p} address or host name         {o} source port            {O} destination port {d}
 * destination address {m} authentication method        {P} protocol               {k} key type {f}
 * fingerprint {c} command, up to the last      {t} terminal               {s} session          {i}
 * uid      {g} gid {G} group                        {h} home                   {H} shell {r} reason
 *   {V} kernel version               {C} comm                   {N} pid              {*} anything,
 * not kept
 *
 * Where the last occurrence is taken it is because the text before it is chosen by whoever
 * connects: a user named "x from 192.0.2.1 port 1 ssh2" must not choose the address that is read.
 * The others end at the first occurrence and, but for {n} {U} {b} {G} {h} {H} {r} {*}, hold no
 * blank. */
#pragma once

#include "parse/textlog.h"

typedef struct cn_syslog_pattern {
    const char *pattern;
    const char *data_type;
    const char *outcome; /* "success", "failure" or NULL */
    const char *action;  /* or NULL */
} cn_syslog_pattern;

/* Gives the record the type and fields of the first pattern (the list ends with one whose pattern
 * is NULL) that is all of the body. False where none is. */
bool cn_syslog_match(const cn_syslog_pattern *list, cn_span body, cn_record *r);
/* Types the record by who reports and what the body says; leaves it `syslog:line` where nothing is
 * known. */
void cn_syslog_type(cn_span reporter, cn_span body, cn_record *r);
/* kernel: packet filter lines (SRC=, DST=, ...) and other lines worth a type. */
bool cn_syslog_kernel(cn_span body, cn_record *r);
/* sudo: USER : TTY=... ; PWD=... ; USER=... ; COMMAND=... */
bool cn_syslog_sudo(cn_span body, cn_record *r);
/* What follows the version of an RFC 5424 line. Only for cn_match. */
cn_match cn_syslog_5424(cn_textlog *log, cn_span s, cn_record *r);
