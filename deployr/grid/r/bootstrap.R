# Sourced once by a warm Rserve parent, before it serves (option `source` of the configuration).
# Everything of ours lives in one environment that is not on the search path, so that user code can neither
# see nor mask it; only `oc.init`, which Rserve looks up for each new session, is attached, and the packages
# deployrUtils and rxStandIns.

local({
  here <- Sys.getenv("DEPLOYR_R_SOURCES")
  # Base first, so that nothing of the user's masks it; beyond it the workspace, where S3 methods are looked for.
  runtime <- new.env(parent = .BaseNamespaceEnv)
  for (name in c("conditions.R", "graphics.R", "console.R", "shell.R", "objects.R", "evaluate.R", "session.R",
                 "dumps.R"))
    sys.source(file.path(here, name), runtime)

  # Loaded here so that forks share them instead of loading each for itself.
  warm <- Sys.getenv("DEPLOYR_R_WARM") == "yes"
  for (package in if (warm) c("Rserve", "parallel", "compiler", "tools", "grid"))
    try(loadNamespace(package), silent = TRUE)

  for (name in ls(runtime))
    if (is.function(runtime[[name]])) runtime[[name]] <- compiler::cmpfun(runtime[[name]])

  runtime$patch_shell()
  runtime$patch_mcfork()
  runtime$patch_choose()
  # Attached in every session, as the original's support packages were; `revoEvent` is there without it too.
  utils <- suppressWarnings(requireNamespace("deployrUtils", quietly = TRUE))
  if (utils) suppressPackageStartupMessages(library(deployrUtils))
  # Stand-ins for what scripts of R Server find in every session.
  if (suppressWarnings(requireNamespace("rxStandIns", quietly = TRUE))) library(rxStandIns)
  attach(c(list(oc.init = runtime$oc.init), if (!utils) list(revoEvent = runtime$revo_event)), name = "deployr")
  options(
    device = runtime$open_device, deployr.revoEvent = runtime$revo_event, bitmapType = "cairo",
    browser = "false", editor = "false", pager = runtime$show_file, menu.graphics = FALSE, help_type = "text",
    deployrPublicExternalDir = Sys.getenv("DEPLOYR_PUBLIC_DATA")
  )

  # Help has no underlines: those of terminals are letters that overstrike one another.
  tools::Rd2txt_options(underline_titles = FALSE)

  if (nzchar(Sys.getenv("DEPLOYR_R_SERVICE"))) runtime$mask_quit()

  runtime$prepare_warnings()
  if (warm) runtime$warm_up()
  Sys.unsetenv(c("DEPLOYR_R_SOURCES", "DEPLOYR_R_WARM", "DEPLOYR_PUBLIC_DATA", "GLIBC_TUNABLES", "LD_BIND_NOW"))
  # Forks would all draw the same numbers from a seed that exists here.
  suppressWarnings(rm(".Random.seed", envir = globalenv()))
  rm(list = ls(globalenv(), all.names = TRUE), envir = globalenv())
  # Each session makes a temporary directory of its own: tempdir(check = TRUE) does so only when this one is gone.
  unlink(tempdir(), recursive = TRUE)
})
