# The session: what Rserve greets with, what the server may call, and how a fork settles in its directory.

callable <- c("list_objects", "get_objects", "assign_objects", "delete_objects", "configure",
              "recycle", "save_objects", "load_objects", "save_workspace", "load_workspace",
              "dump_object", "undump_object", "mask_quit")

# Called by Rserve in each new fork. The capability is the only function the server can call.
# From here on an interrupt waits until user code runs, however early or late it comes.
oc.init <- function() {
  .Internal(interruptsSuspended(TRUE))
  capability <- Rserve::ocap(dispatch)
  attr(capability, "process") <- Sys.getpid()
  capability
}

# `options` come from the grid, `arguments` from the web worker. A failure is sent as the outcome, out of band.
dispatch <- function(name, options, arguments) {
  runtime <- parent.env(environment())
  switch(name,
    execute = execute(options, arguments),
    enter = enter(options),
    rehearse = rehearse(),
    nothing = nothing(),
    check = check(),
    tryCatch(
      {
        if (!name %in% callable) stop("no such function: ", name)
        allowInterrupts(get(name, envir = runtime)(arguments))
      },
      error = function(e) {
        send_outcome(list(error = conditionMessage(e)))
        NULL
      }
    )
  )
}

# Takes the interrupt that may be pending.
nothing <- function() tryCatch(allowInterrupts(Sys.sleep(0.001)), interrupt = function(e) NULL)

# What hangs in a fork of a parent that ran threads: linear algebra, and sums that R itself spreads over threads.
check <- function() {
  crossprod(matrix(1, 200L, 200L))
  colSums(matrix(1, 1000L, 100L))
  NULL
}

settled <- new.env(parent = emptyenv())
settled$libraries <- character()

# Settles in a directory of its own, below which the working directory exists.
enter <- function(options) {
  settled$directory <- options$directory
  settled$pid <- Sys.getpid()
  work <- file.path(options$directory, "work")
  setwd(work)
  # Where the init code of a service has gone.
  if (!is.null(settled$begin)) try(setwd(settled$begin), silent = TRUE)
  # Rserve may have made a temporary directory, for the session's user id.
  unlink(tempdir(), recursive = TRUE)
  Sys.setenv(TMPDIR = options$directory, HOME = work, PWD = work, DEPLOYR_SESSION = options$marker)
  Sys.setenv(R_SESSION_TMPDIR = tempdir(check = TRUE))
  # Packages that code installs go there, and are found there (9x-facts 10); the other libraries belong to the server.
  # What .libPaths() does, without its looking for directories that are known to be there.
  assign(".lib.loc", c(service_libraries(work), work, .libPaths()), envir = environment(.libPaths))
  NULL
}

# Those that the init code of a service has added, below the working directory or elsewhere.
service_libraries <- function(work) {
  added <- settled$libraries
  below <- !startsWith(added, "/")
  added[below] <- file.path(work, added[below])
  added[dir.exists(added)]
}

# What a fork that waits does in a quiet moment: code as callers run it, so that the pages it writes to are copied then.
# It leaves nothing behind, and calls nothing that the workspace could mask.
rehearse <- function() {
  name <- "deployr rehearsal"
  inputs <- list(1.5)
  names(inputs) <- name
  execute(list(code = rehearsal, echo = FALSE, width = 0, height = 0), list(inputs = inputs, robjects = name))
  rm(list = name, envir = globalenv())
  NULL
}

rehearsal <- "
base::invisible(base::cat(base::paste('a', 1L), '\\n'))
base::invisible(stats::predict.lm(stats::lm(dist ~ speed, datasets::cars), base::data.frame(speed = 10, name = 'b')))
"

# Clears the workspace, hidden objects included, and leaves a directory that is about to be removed.
recycle <- function(arguments) {
  if (isTRUE(arguments$directory)) setwd(file.path(settled$directory, "work"))
  if (isTRUE(arguments$workspace)) rm(list = ls(globalenv(), all.names = TRUE), envir = globalenv())
  NULL
}

# Where the user's external data lies (7x-facts 19); the public directory is the same for all.
configure <- function(arguments) {
  options(deployrPrivateExternalDir = arguments$private_data)
  NULL
}

# For sessions of the 9.x API, where q() ends the code that calls it and not the session (9x-facts 10): as sys.exit()
# does in Python, and with a status other than 0 it is an error.
mask_quit <- function(arguments) {
  quit <- function(save = "default", status = 0, runLast = TRUE) {
    if (status != 0) stop("the code quit with status ", status, call. = FALSE)
    invokeRestart("abort")
  }
  list2env(list(q = quit, quit = quit), as.environment("deployr"))
  NULL
}

# A file beside the working directory, in which objects come and go.
state_file <- function(name) {
  state <- file.path(settled$directory, "state")
  if (!dir.exists(state)) dir.create(state, showWarnings = FALSE)
  file.path(state, name)
}

# arguments: file, names of objects (all when NULL). Compressed lightly: the session is busy meanwhile.
save_objects <- function(arguments) {
  names <- arguments$names
  if (is.null(names)) names <- readable_objects()
  for (name in names) check_exists(name)
  save(list = names, file = state_file(arguments$file), envir = globalenv(), compression_level = 1L)
  NULL
}

# arguments: file. Objects keep the names that they have in it.
load_objects <- function(arguments) {
  tryCatch(
    suppressWarnings(load(state_file(arguments$file), envir = globalenv())),
    error = function(e) stop("the file cannot be loaded as rData: ", conditionMessage(e), call. = FALSE)
  )
  NULL
}

# The workspace is saved uncompressed, since that is 25 times faster.
save_workspace <- function(arguments) {
  save(list = readable_objects(), file = state_file("workspace.rData"), envir = globalenv(), compress = FALSE)
  NULL
}

readable_objects <- function() Filter(is_readable, ls(globalenv(), all.names = TRUE))

# What fails when it is read cannot be saved, and must not keep the rest from it.
is_readable <- function(name) {
  attempt(
    {
      get(name, envir = globalenv(), inherits = FALSE)
      TRUE
    },
    FALSE
  )
}

load_workspace <- function(arguments) load_objects(list(file = "workspace.rData"))

# Publishes an object on the caller's event stream, under the name that it has where the user's code calls.
revo_event <- function(object) {
  name <- substitute(object)
  # Called through deployrUtils::revoEvent, whose argument is of no interest.
  if (is.name(name)) name <- eval(call("substitute", name), parent.frame())
  published <- list(portable(object))
  names(published) <- paste(deparse(name, nlines = 1L), collapse = "")
  Rserve::self.oobSend(published, event_code)
  invisible(object)
}

# Only R itself can add `last.warning` to the base environment; after this it is there to be assigned.
prepare_warnings <- function() {
  warning("warm")
  utils::capture.output(.Internal(printDeferredWarnings()), type = "message")
  assign("last.warning", list(), envir = baseenv())
}

# Runs each code path once, so that forks find them compiled, the libraries loaded and the fonts cached.
warm_up <- function() {
  nowhere <- file("/dev/null", "w")
  sink(nowhere, type = "message")
  on.exit({
    sink(type = "message")
    close(nowhere)
  })
  directory <- tempfile("warm")
  dir.create(directory)
  for (graphics in c("png", "svg")) {
    start_plots(directory, graphics, 0, 0)
    graphics::plot(1:3, main = "warm")
    finish_plots()
  }
  utils::capture.output(
    {
      for (i in 1:2) run_code("x <- 1 + 1\nprint(x)\nx\nf <- function(a) a\nlm(dist ~ speed, cars)\n# rest", TRUE)
      run_code("stop('warm')", TRUE)
      run_code("1 +", TRUE)
      run_code("as.integer('a')", TRUE)
    },
    type = "output"
  )
  assign_objects(list(inputs = list(x = 1, frame = data.frame(a = 1:2, b = c("u", "v")))))
  list_objects(list())
  get_objects(list(names = c("x", "frame", "f")))
  delete_objects(list(names = c("x", "frame")))
  assign("last.warning", list(), envir = baseenv())
  .Internal(seterrmessage(""))
  # The first capability starts OpenSSL, which takes longer than the fork itself.
  Rserve::ocap(warm_up)
  gc()
  # Makes glibc sort its free memory here; each fork would do it for itself and copy every page that it lies on.
  for (size in 2^(10:17)) raw(size)
  invisible()
}
