# Makes the data files of the sample repository from simulated data. Run from any directory:
#   Rscript make_rdata.R REPOSITORY_DIRECTORY
# Everything is seeded, so a second run gives the same objects.

# What predict() needs of a model, without the data it was fitted to.
strip <- function(model) {
  kept <- c("coefficients", "rank", "family", "deviance", "aic", "null.deviance", "df.residual", "df.null", "call",
            "xlevels", "contrasts", "terms")
  slim <- model[intersect(kept, names(model))]
  slim$qr <- list(pivot = model$qr$pivot, rank = model$qr$rank)
  attr(slim$terms, ".Environment") <- globalenv()
  structure(slim, class = class(model))
}

# The names of the columns are those of the script that comes with the original's example, which uses the model too.
fraud_model <- function(accounts = 2000) {
  data <- data.frame(
    balance = runif(accounts, 0, 25000),
    numTrans = round(runif(accounts, 0, 100)),
    creditLine = round(runif(accounts, 0, 75))
  )
  risk <- with(data, -4 + balance / 9000 + numTrans / 30 - creditLine / 40)
  data$fraud <- rbinom(accounts, 1, plogis(risk))
  strip(glm(fraud ~ balance + numTrans + creditLine, binomial, data))
}

insurance_model <- function(customers = 2000) {
  data <- data.frame(
    age = round(runif(customers, 18, 80)),
    mileage = runif(customers, 2, 32),
    years = round(runif(customers, 0, 20))
  )
  rate <- with(data, exp(-1.2 - (age - 18) / 90 + mileage / 40 - years / 25))
  data$claims <- rpois(customers, rate)
  strip(glm(claims ~ age + mileage + years, poisson, data))
}

# Columns as in the Hipparcos catalogue; one star lacks the last, as many do there.
star_table <- function(stars = 200) {
  data <- data.frame(
    HIP = cumsum(sample(1:60, stars, TRUE)),
    Vmag = round(rnorm(stars, 8.5, 1.6), 2),
    RA = sort(round(runif(stars, 0, 360), 6)),
    DE = round(asin(runif(stars, -1, 1)) * 180 / pi, 6),
    Plx = round(runif(stars, 20, 25), 2),
    pmRA = round(rnorm(stars, 0, 180), 2),
    pmDE = round(rnorm(stars, -60, 140), 2),
    e_Plx = round(rlnorm(stars, 0.1, 0.4), 2),
    `B-V` = sprintf("%.3f", rnorm(stars, 0.75, 0.3)),
    check.names = FALSE
  )
  data$`B-V`[120] <- ""
  data
}

suppressWarnings(RNGversion("4.0.0"))
set.seed(20160101)
directory <- file.path(commandArgs(trailingOnly = TRUE)[1], "testuser")
fraudModel <- fraud_model()
insurModel <- insurance_model()
dat <- file.path(directory, "example-data-io", "hipStar.dat")
write.table(star_table(), dat, quote = FALSE, row.names = FALSE, sep = "\t")
hip <- read.table(dat, header = TRUE, fill = TRUE)
save(fraudModel, file = file.path(directory, "example-fraud-score", "fraudModel.rData"), version = 2)
save(insurModel, file = file.path(directory, "tutorial-rbroker", "insurModel.rData"), version = 2)
save(hip, file = file.path(directory, "example-data-io", "hipStar.rData"), version = 2)
