# Sourced by the parent of a service after bootstrap.R: its snapshot and its init code, once for all sessions.

local({
  state <- Sys.getenv("DEPLOYR_R_SERVICE")
  Sys.unsetenv("DEPLOYR_R_SERVICE")
  # Rserve would go on without what cannot be loaded.
  fail <- function(e) {
    message("the service cannot be loaded: ", conditionMessage(e))
    tools::pskill(Sys.getpid(), tools::SIGKILL)
  }
  left <- setwd(file.path(state, "work"))
  work <- getwd()
  # Forks would share positions in files, and both ends of connections.
  open_files <- function() {
    gc()
    Sys.readlink(list.files("/proc/self/fd", full.names = TRUE))
  }
  # Sockets of TCP connections that are established.
  linked <- function() {
    tables <- Filter(file.exists, c("/proc/self/net/tcp", "/proc/self/net/tcp6"))
    fields <- strsplit(trimws(unlist(lapply(tables, function(table) readLines(table)[-1L]))), " +")
    unlist(lapply(fields, function(line) if (line[4L] == "01") paste0("socket:[", line[10L], "]")))
  }
  # As in sessions; each fork has the packages of the snapshot in a directory of its own.
  libraries <- .libPaths()
  .libPaths(c(getwd(), libraries))
  tempdir(check = TRUE)
  nowhere <- file("/dev/null", "w")
  sink(nowhere)
  read <- function(name) {
    path <- file.path(state, name)
    text <- readChar(path, file.size(path), useBytes = TRUE)
    Encoding(text) <- "UTF-8"
    text
  }
  before <- open_files()
  load_all <- function() {
    workspace <- file.path(state, "workspace.rData")
    if (file.exists(workspace)) load(workspace, envir = globalenv())
    for (expression in parse(text = gsub("\r\n?", "\n", read("init_code")), keep.source = TRUE, encoding = "UTF-8"))
      eval(expression, globalenv())
  }
  check <- function() {
    shared <- setdiff(open_files(), before)
    # What packages have open for themselves, elsewhere, is their affair.
    shared <- shared[startsWith(shared, paste0(work, "/")) | shared %in% linked()]
    if (length(shared)) stop("the init code leaves open: ", paste(shared, collapse = ", "))
  }
  # The restart is what q() of the init code asks for.
  withRestarts(tryCatch(load_all(), error = fail), abort = function() NULL)
  while (sink.number() > 0L) sink()
  tryCatch(check(), error = fail)
  close(nowhere)
  runtime <- environment(get("oc.init", "deployr"))
  # What cannot be parsed is an error of each call.
  try(runtime$prepare_code(read("code")), silent = TRUE)
  # What lies below the working directory each session has for itself.
  from_work <- function(paths) sub(paste0(work, "/"), "", paths, fixed = TRUE)
  if (!identical(getwd(), work)) runtime$settled$begin <- from_work(getwd())
  runtime$settled$libraries <- from_work(setdiff(.libPaths(), c(work, libraries)))
  .libPaths(libraries)
  setwd(left)
  # Functions of packages are read from disk when they are first used; each session would read its own.
  for (space in lapply(loadedNamespaces(), getNamespace))
    for (name in ls(space, all.names = TRUE)) try(get(name, envir = space), silent = TRUE)
  # As at the end of bootstrap.R: sessions have temporary directories of their own, and fork what is tidy.
  unlink(tempdir(), recursive = TRUE)
  gc()
  for (size in 2^(10:17)) raw(size)
})
