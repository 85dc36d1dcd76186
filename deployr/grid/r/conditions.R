# Texts of errors and warnings as the R console prints them.

line_width <- 75L

# The call of a condition, or NULL when it was signalled at top level, that is, by our own eval(), or is source that the
# caller may not see.
user_call <- function(call) {
  if (state$hidden || is.null(call) || (is.call(call) && identical(call, quote(eval(expression, globalenv()))))) NULL else call
}

call_text <- function(call) deparse(call, nlines = 1L)[1L]

# "Error in f() : message", the message on a line of its own when both do not fit.
error_text <- function(condition) {
  message <- conditionMessage(condition)
  call <- user_call(conditionCall(condition))
  if (is.null(call)) return(paste0("Error: ", message, "\n"))
  head <- paste0("Error in ", call_text(call), " : ")
  first <- strsplit(message, "\n", fixed = TRUE)[[1L]][1L]
  wide <- nchar(head, "w") + nchar(if (is.na(first)) "" else first, "w")
  if (isTRUE(wide > line_width + 2L)) paste0(head, "\n  ", message, "\n") else paste0(head, message, "\n")
}

warning_text <- function(condition) {
  call <- user_call(conditionCall(condition))
  message <- conditionMessage(condition)
  if (is.null(call)) return(paste0(message, " "))
  head <- paste0("In ", call_text(call), " :")
  first <- strsplit(message, "\n", fixed = TRUE)[[1L]][1L]
  wide <- nchar(head, "w") + nchar(if (is.na(first)) "" else first, "w")
  paste0(head, if (isTRUE(wide > line_width + 3L)) "\n  " else " ", message)
}

# What the console prints of the warnings that one top-level expression left.
warnings_text <- function(texts) {
  count <- length(texts)
  if (count == 0L) return("")
  if (count == 1L) return(paste0("Warning message:\n", texts, "\n"))
  if (count <= 10L)
    return(paste0("Warning messages:\n", paste0(seq_len(count), ": ", texts, collapse = "\n"), "\n"))
  if (count < 50L) return(sprintf("There were %d warnings (use warnings() to see them)\n", count))
  "There were 50 or more warnings (use warnings() to see the first 50)\n"
}

# Keeps them for warnings(), as the console does.
remember_warnings <- function(conditions) {
  kept <- lapply(conditions, function(w) user_call(conditionCall(w)))
  names(kept) <- vapply(conditions, conditionMessage, "")
  assign("last.warning", kept, envir = baseenv())
}
