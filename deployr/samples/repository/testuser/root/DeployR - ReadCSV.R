# Reads a table for "DeployR - Simple Regression.R", to be run in the same project.
# Input: input_file (character), a CSV file of the working directory; empty for the table below.
# Output: input_data (data frame), output_vars (character vector), the names of its numeric columns.

library(deployrUtils)

deployrInput('{"name": "input_file", "label": "CSV file", "render": "character", "default": ""}')

sample_table <- "model,mpg,hp,wt,price
Alder,41.3,71,1.92,14.2
Birch,36.8,84,2.10,16.9
Cedar,33.1,95,2.34,18.4
Elm,29.7,112,2.71,22.7
Fir,27.9,118,2.83,21.5
Hazel,25.2,140,3.05,27.8
Juniper,22.6,165,3.31,33.0
Larch,20.4,182,3.48,36.1
Maple,18.8,210,3.77,44.9
Oak,16.1,248,4.12,52.3
Pine,14.9,275,4.39,61.7
Willow,13.2,310,4.71,70.4"

input_data <- if (nzchar(input_file)) read.csv(input_file) else read.csv(text = sample_table)
output_vars <- names(input_data)[vapply(input_data, is.numeric, NA)]

summary(input_data)
