# Unnamed plots: the default device draws into the results directory of the running execution, a file a page.

plots <- new.env(parent = emptyenv())
plots$directory <- NULL

# Settings of the execution that starts: device "png" or "svg", size in pixels (0: 480).
start_plots <- function(directory, graphics, width, height) {
  plots$directory <- directory
  plots$graphics <- graphics
  plots$width <- if (width > 0) width else 480
  plots$height <- if (height > 0) height else 480
  plots$devices <- 0L
}

# options(device=): called by R when something is drawn and no device is open.
open_device <- function(...) {
  plots$devices <- plots$devices + 1L
  if (!is.null(plots$directory)) dir.create(plots$directory, showWarnings = FALSE)
  # A device counts its pages from 1; several in one execution must not overwrite each other.
  pattern <- file.path(
    if (is.null(plots$directory)) tempdir() else plots$directory, sprintf(".device%03d-%%03d", plots$devices)
  )
  if (identical(plots$graphics, "svg"))
    grDevices::svg(paste0(pattern, ".svg"), width = plots$width / 72, height = plots$height / 72, onefile = FALSE)
  else
    grDevices::png(paste0(pattern, ".png"), width = plots$width, height = plots$height, type = "cairo")
}

# The svg device writes a page although nothing was drawn on it: a document without shapes.
is_drawn <- function(page) {
  if (!endsWith(page, ".svg")) return(TRUE)
  any(grepl("<(rect|path|use|image) ", readLines(file.path(plots$directory, page), warn = FALSE)))
}

# Devices are open, or were.
has_plots <- function() plots$devices > 0L || length(grDevices::dev.list()) > 0L

# Closes every device, named ones too, and numbers the pages from 001.
finish_plots <- function() {
  if (length(grDevices::dev.list())) grDevices::graphics.off()
  if (plots$devices == 0L) return(invisible())
  pages <- list.files(plots$directory, pattern = "^[.]device[0-9]+-[0-9]+[.]", all.files = TRUE)
  drawn <- vapply(pages, is_drawn, NA)
  unlink(file.path(plots$directory, pages[!drawn]))
  pages <- pages[drawn]
  extension <- sub(".*[.]", "", pages)
  file.rename(
    file.path(plots$directory, sort(pages)),
    file.path(plots$directory, sprintf("unnamedplot%03d.%s", seq_along(pages), extension))
  )
  invisible()
}
