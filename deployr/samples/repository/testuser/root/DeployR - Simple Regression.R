# Regresses one column of a table on another and draws the line.
# Inputs: input_x, input_y (character), column names of the data frame input_data that "DeployR - ReadCSV.R" left in the
# workspace; without it R's table mtcars serves.
# Outputs: coefficients (numeric vector), r_squared (numeric), one plot.

library(deployrUtils)

deployrInput('{"name": "input_x", "label": "Predictor", "render": "character", "default": "hp"}')
deployrInput('{"name": "input_y", "label": "Response", "render": "character", "default": "mpg"}')

if (!exists("input_data")) input_data <- mtcars

unknown <- setdiff(c(input_x, input_y), names(input_data))
if (length(unknown) > 0) stop("no such column: ", paste(unknown, collapse = ", "))

observed <- data.frame(x = input_data[[input_x]], y = input_data[[input_y]])
regression <- lm(y ~ x, observed)
coefficients <- as.numeric(coef(regression))
r_squared <- summary(regression)$r.squared

plot(observed, xlab = input_x, ylab = input_y, pch = 19, main = paste(input_y, "by", input_x))
abline(regression, col = "firebrick", lwd = 2)
