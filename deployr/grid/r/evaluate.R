# Runs a block of code as the R console would: expression by expression, echo, auto-print, warnings, errors.

outcome_code <- 1L # OOB code of the outcome message
event_code <- 2L # OOB code of revoEvent

# options: code, hidden (messages show none of it), echo, results (directory of unnamed plots), graphics, width, height.
# arguments: inputs (named list, assigned first), robjects (names of the objects to return).
# The outcome travels as an out-of-band message, the objects are the value.
execute <- function(options, arguments) {
  state$warnings <- character()
  state$hidden <- isTRUE(options$hidden)
  start_plots(options$results, options$graphics, options$width, options$height)
  started <- proc.time()[[3L]]
  outcome <- guarded({
    if (length(arguments$inputs)) list2env(arguments$inputs, globalenv())
    run_code(options$code, options$echo)
  })
  outcome$elapsed <- (proc.time()[[3L]] - started) * 1000
  if (has_plots()) guarded(finish_plots())
  while (sink.number() > 0L) sink()
  sink(type = "message")
  # What code that was thrown out left of a line is its own, and not of what runs next.
  utils::flush.console()
  objects <- list()
  failure <- guarded({
    objects <- existing_objects(arguments$robjects)
    list()
  })
  if (is.null(outcome$error)) outcome$error <- failure$error
  outcome$warnings <- state$warnings
  send_outcome(outcome)
  objects
}

# Evaluates what may run user code. Whatever that does, it comes back here: as a value, an error, or an interrupt.
guarded <- function(expression) {
  result <- withRestarts(
    tryCatch(
      allowInterrupts(expression),
      error = function(e) list(error = conditionMessage(e)),
      interrupt = function(e) list(interrupted = TRUE)
    ),
    abort = function() list()
  )
  # A child of mclapply that an interrupt or a restart threw back to here would go on as a second session.
  if (!identical(Sys.getpid(), settled$pid)) tools::pskill(Sys.getpid(), tools::SIGKILL)
  result
}

state <- new.env(parent = emptyenv())
state$warnings <- character()
state$hidden <- FALSE

send_outcome <- function(outcome) Rserve::self.oobSend(outcome, outcome_code)

# Returns list() or list(error = text).
run_code <- function(code, echo) {
  parsed <- tryCatch(parse_code(code), error = identity)
  if (inherits(parsed, "error")) {
    message <- sub("^<text>:", "line ", conditionMessage(parsed))
    # Position and kind come first, then lines of code; messages without a position quote the code.
    if (state$hidden) message <- if (grepl("^line ", message)) sub("\n.*", "", message) else "syntax error"
    complain("Error: ", message, "\n")
    return(list(error = message, syntax = TRUE))
  }
  run_expressions(parsed, echo)
}

# What the sessions of a service run is parsed once, in its parent.
prepare_code <- function(code) {
  parsed <- parse_code(code)
  prepared$code <- code
  prepared$parsed <- parsed
}

prepared <- new.env(parent = emptyenv())

parse_code <- function(code) {
  if (identical(code, prepared$code)) return(prepared$parsed)
  # CR alone is a line break too: clients send it (7x-facts 7.4).
  text <- strsplit(paste0(gsub("\r\n?", "\n", code), "\n"), "\n", fixed = TRUE)[[1L]]
  Encoding(text) <- "UTF-8"
  list(expressions = parse(text = text, keep.source = TRUE, encoding = "UTF-8"), lines = text)
}

run_expressions <- function(parsed, echo) {
  references <- attr(parsed$expressions, "srcref")
  shown <- 0L
  for (i in seq_along(parsed$expressions)) {
    if (echo) shown <- echo_expression(parsed$lines, references[[i]], shown)
    error <- run_expression(parsed$expressions[[i]])
    if (!is.null(error)) return(list(error = error))
  }
  if (echo) echo_rest(parsed$lines, shown)
  list()
}

# Shows the lines from the last shown one to the end of the expression; returns the new last one.
echo_expression <- function(lines, reference, shown) {
  first <- reference[7L]
  last <- reference[8L]
  if (last <= shown) return(shown) # a second expression on the same line
  from <- shown + 1L
  while (from < first && !nzchar(trimws(lines[from]))) from <- from + 1L
  echo(lines[from:last], max(0L, first - from))
  last
}

# Comments after the last expression.
echo_rest <- function(lines, shown) {
  rest <- if (shown < length(lines)) lines[(shown + 1L):length(lines)] else character()
  rest <- rest[nzchar(trimws(rest))]
  if (length(rest)) echo(rest, length(rest) - 1L)
}

# Runs one top-level expression; NULL, or the error's message.
run_expression <- function(expression) {
  deferred <- list()
  on_warning <- function(w) {
    level <- getOption("warn")
    if (is.numeric(level) && level >= 2) return()
    state$warnings <- c(state$warnings, conditionMessage(w))
    if (is.numeric(level) && level == 1) complain(immediate_text(w))
    else if (!is.numeric(level) || level == 0) deferred[[length(deferred) + 1L]] <<- w
    invokeRestart("muffleWarning")
  }
  reported <- FALSE
  # Errors are reported where they happen: on.exit and finally come after that. A full stack leaves no room for it.
  on_error <- function(e) {
    report_error(e, deferred)
    reported <<- TRUE
  }
  error <- tryCatch(
    {
      withCallingHandlers(
        {
          result <- withVisible(eval(expression, globalenv()))
          if (result$visible) show_value(result$value)
        },
        warning = on_warning,
        error = on_error
      )
      NULL
    },
    error = identity,
    # The warnings of interrupted code are shown before the interrupt goes on.
    interrupt = function(e) {
      show_deferred(deferred)
      signalCondition(e)
    }
  )
  if (!is.null(error)) {
    if (!reported) report_error(error, deferred)
    utils::flush.console()
    return(conditionMessage(error))
  }
  show_deferred(deferred)
  utils::flush.console()
  # An interrupt that C code left pending is taken here, and not by what comes next.
  Sys.sleep(0)
  NULL
}

report_error <- function(e, deferred) {
  complain(error_text(e))
  show_deferred(deferred, "In addition: ")
}

show_value <- function(value) if (isS4(value)) methods::show(value) else print(value)

immediate_text <- function(w) {
  call <- user_call(conditionCall(w))
  paste0("Warning", if (!is.null(call)) paste(" in", call_text(call), ":") else ":", " ", conditionMessage(w), "\n")
}

show_deferred <- function(conditions, prefix = "") {
  if (!length(conditions)) return(invisible())
  if (length(conditions) > 50L) conditions <- conditions[1:50]
  remember_warnings(conditions)
  complain(prefix, warnings_text(vapply(conditions, warning_text, "")))
}
