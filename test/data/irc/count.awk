# What a bot must know after hearing an IRC log: a plain count, made from the log alone.
#
#   LC_ALL=C awk -f count.awk 2007-10-24.train-c.txt | LC_ALL=C sort
#
# Several logs, in the order of their dates, count as one.
#
#   asked <TAB> name <TAB> how often
#   seen  <TAB> nick <TAB> messages <TAB> time of the last <TAB> kind of the last <TAB> text of the last

BEGIN {
  # Commands of the bot are not factoids, unless `|` or `>` follows the name.
  split("learn forget karma seen busiest todo help plugins config blacklist unblacklist storage backup", list, " ")
  for (i in list) command[list[i]] = 1
}

# A new log begins: its date is in its name.
FNR == 1 {
  match(FILENAME, /[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9][^\/]*$/)
  year = substr(FILENAME, RSTART, 4) + 0
  month = substr(FILENAME, RSTART + 5, 2) + 0
  day = substr(FILENAME, RSTART + 8, 2) + 0
  minutes = 0
}

/^=== [^ ]+ is now known as [^ ]+$/ {
  last($2, "became", $NF)
  last($NF, "was", $2)
  next
}

# The clock is in the first eight columns: "[13:47] ".
/^\[[0-9][0-9]:[0-9][0-9]\] / {
  clock = substr($0, 2, 2) * 60 + substr($0, 5, 2)
  body = substr($0, 9)
  if (body ~ /^<[^ >]+>/) {
    tick()
    end = index(body, ">")
    nick = substr(body, 2, end - 2)
    text = substr(body, end + 1)
    sub(/^ /, "", text)
    said[tolower(nick)]++
    last(nick, "message", text)
    ask(text)
  } else if (body ~ /^ *\* [^ ]/) {
    tick()
    sub(/^ *\* /, "", body)
    nick = body
    sub(/ .*/, "", nick)
    text = substr(body, length(nick) + 2)
    last(nick, "action", text)
  }
}

END {
  for (name in asked) printf "asked\t%s\t%d\n", name, asked[name]
  for (nick in lastly) printf "seen\t%s\t%d\t%s\n", nick, said[nick], lastly[nick]
}

function last(nick, kind, text) {
  lastly[tolower(nick)] = sprintf("%04d-%02d-%02dT%02d:%02d\t%s\t%s", year, month, day, int(minutes / 60), minutes % 60, kind, text)
}

# A clock that goes back by more than half a day has passed midnight.
function tick() {
  if (clock < minutes - 720) {
    day++
    if (day > days(month)) { day = 1; month++ }
    if (month > 12) { month = 1; year++ }
  }
  minutes = clock
}

function days(m) {
  if (m == 2) return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
  return m == 4 || m == 6 || m == 9 || m == 11 ? 30 : 31
}

# A call: "!", the name up to a blank, "|" or ">", and what follows.
function ask(text,   name, tail) {
  gsub(/^[ \t]+|[ \t]+$/, "", text)
  if (text !~ /^![ \t]*[^ \t|>]/) return
  sub(/^![ \t]*/, "", text)
  name = text
  sub(/[ \t|>].*/, "", name)
  tail = substr(text, length(name) + 1)
  sub(/[?!.,;:]+$/, "", name)
  name = tolower(name)
  if (name == "" || length(name) > 64 || name ~ /^[!-\/:-@[-`{-~]/) return
  if (name in command && tail !~ /^[ \t]*[|>]/) return
  asked[name]++
}
