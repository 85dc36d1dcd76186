# Reading JSON text with base R alone: a session must be able to attach this package on a bare R.

# Strings, numbers, words and punctuation. Quantifiers are possessive so that long strings need no deep recursion.
TOKEN <- paste(
  '"[^"\\\\]*+(?:\\\\.[^"\\\\]*+)*+"',
  "-?[0-9]+(?:\\.[0-9]+)?(?:[eE][-+]?[0-9]+)?",
  "[A-Za-z]+",
  "[][{}:,]",
  sep = "|"
)

# A surrogate pair is one escape: its halves are no characters of their own.
ESCAPE <- "\\\\u[dD][89abAB][0-9a-fA-F]{2}\\\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\\\u[0-9a-fA-F]{4}|\\\\."

# The R value of a JSON text: objects become named lists, arrays of like scalars vectors (null is NA), other arrays
# lists.
parse_json <- function(text) {
  reader <- new.env(parent = emptyenv())
  reader$tokens <- json_tokens(text)
  reader$at <- 1L
  value <- read_value(reader)
  if (reader$at <= length(reader$tokens)) json_error("text after the value")
  value
}

json_error <- function(what) stop("not valid JSON: ", what, call. = FALSE)

json_tokens <- function(text) {
  text <- enc2utf8(paste(text, collapse = "\n"))
  found <- gregexpr(TOKEN, text, perl = TRUE)
  between <- trimws(regmatches(text, found, invert = TRUE)[[1]])
  if (any(nzchar(between))) json_error(paste("unexpected", between[nzchar(between)][1]))
  regmatches(text, found)[[1]]
}

peek_token <- function(reader) {
  if (reader$at > length(reader$tokens)) json_error("it ends too early")
  reader$tokens[[reader$at]]
}

next_token <- function(reader) {
  token <- peek_token(reader)
  reader$at <- reader$at + 1L
  token
}

read_value <- function(reader) {
  token <- next_token(reader)
  switch(token,
    "{" = read_object(reader),
    "[" = simplify_array(read_members(reader, "]", read_value)),
    read_scalar(token)
  )
}

read_members <- function(reader, close, read_member) {
  members <- list()
  if (peek_token(reader) == close) {
    next_token(reader)
    return(members)
  }
  repeat {
    members <- c(members, list(read_member(reader)))
    token <- next_token(reader)
    if (token == close) return(members)
    if (token != ",") json_error(paste("expected , or", close))
  }
}

read_object <- function(reader) {
  pairs <- read_members(reader, "}", read_pair)
  values <- lapply(pairs, function(pair) pair$value)
  names(values) <- vapply(pairs, function(pair) pair$key, "")
  values
}

read_pair <- function(reader) {
  key <- read_scalar(next_token(reader))
  if (!is.character(key)) json_error("a key is not a string")
  if (next_token(reader) != ":") json_error(paste("expected : after", key))
  list(key = key, value = read_value(reader))
}

# Words count in any case: scripts in use spell logical values as R does.
read_scalar <- function(token) {
  if (startsWith(token, '"')) return(unescape(substr(token, 2L, nchar(token) - 1L)))
  if (grepl("^[-0-9]", token)) return(as.numeric(token))
  switch(tolower(token),
    true = TRUE,
    false = FALSE,
    null = NULL,
    json_error(paste("unexpected", token))
  )
}

simplify_array <- function(values) {
  present <- Filter(Negate(is.null), values)
  scalar <- vapply(present, function(value) is.atomic(value) && length(value) == 1L, NA)
  if (length(values) == 0L || !all(scalar)) return(values)
  if (length(unique(vapply(present, typeof, ""))) > 1L) return(values)
  values[vapply(values, is.null, NA)] <- NA
  unlist(values)
}

unescape <- function(text) {
  found <- gregexpr(ESCAPE, text, perl = TRUE)
  escapes <- regmatches(text, found)[[1]]
  regmatches(text, found) <- list(vapply(escapes, unescape_one, "", USE.NAMES = FALSE))
  text
}

unescape_one <- function(escape) {
  if (nchar(escape) > 2L) return(intToUtf8(code_point(escape)))
  character <- substr(escape, 2L, 2L)
  switch(character, b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", character)
}

code_point <- function(escape) {
  units <- strtoi(strsplit(substring(escape, 3L), "\\u", fixed = TRUE)[[1]], 16L)
  if (length(units) == 1L) return(units)
  0x10000 + (units[1] - 0xD800) * 0x400 + (units[2] - 0xDC00)
}
