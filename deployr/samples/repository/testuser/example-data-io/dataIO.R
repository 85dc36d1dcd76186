# Takes a table of stars from wherever the caller put it and hands it back in every form a script can produce.
# Input, the first that can be read: a table at the address hipStarUrl (character), the file hipStar.dat of the working
# directory, the data frame hip of the workspace (sent as an input or loaded from hipStar.rData).
# Outputs: hip (data frame), hipDim (numeric vector), hipNames (character vector), hip.rData, hip.csv, one plot.

read_stars <- function(source) {
  tryCatch({
    stars <- read.table(source, header = TRUE, fill = TRUE)
    print(paste("Stars read from", source))
    stars
  }, error = function(e) message("No stars read from ", source, ": ", conditionMessage(e)))
}

stars <- NULL
if (exists("hipStarUrl")) stars <- read_stars(hipStarUrl)
if (is.null(stars) && file.exists("hipStar.dat")) stars <- read_stars("hipStar.dat")
if (!is.null(stars)) hip <- stars
if (!exists("hip")) stop("no stars: pass hipStarUrl, hipStar.dat or hip")

hipDim <- dim(hip)
hipNames <- names(hip)
save(hip, file = "hip.rData")
write.csv(hip, file = "hip.csv")
plot(head(hip, 100))
