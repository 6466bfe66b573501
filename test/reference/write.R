# How the scripts beside this one write reference values: as SQL that a test
# reads with \ir.

# As few digits as read back to the same number.
number <- function(x) vapply(x, function(one) {
	if (is.na(one)) return("")
	for (digits in 15:17)
		if (as.numeric(shown <- sprintf("%.*g", digits, one)) == one) break
	shown
}, "")

# What wrote a file stands in its first line.
origin <- sub("^--file=", "-- Written by ", grep("^--file=", commandArgs(), value = TRUE))

# One statement: the table's columns, then its rows as CSV; before it where the
# numbers come from, if not from the script alone.
write_copy <- function(table, rows, source = NULL) {
	columns <- lapply(rows, function(x) if (is.numeric(x)) number(x) else x)
	writeLines(c(
		origin, source,
		sprintf("COPY %s (%s) FROM stdin WITH (FORMAT csv);", table, paste(names(rows), collapse = ", ")),
		do.call(paste, c(columns, sep = ",")),
		"\\."), file.path("test/data", paste0(table, ".sql")))
}

# An array of numbers as one field of CSV.
array_of <- function(x) paste0('"{', paste(number(x), collapse = ","), '}"')
