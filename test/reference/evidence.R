# Reference values for test/pgtap/evidence.sql, from R (written with 4.2.2).
# Run at the top of the tree:  Rscript test/reference/evidence.R
# It writes test/data/student_t.sql, student_t_quantile.sql and welch.sql: CSV
# between COPY and \., read by the test with \ir.  R is not needed to run it.

source("test/reference/write.R")

# Student's t: two-sided p.  Below 1e-300 a p is reported as 0: left out.
grid <- expand.grid(
	t = c(1e-6, 1e-3, 0.1, 0.5, 1, 1.5, 1.999, 2, 2.001, 3, 5, 10, 20, 30, 36, 100, 1000),
	df = c(0.1, 0.5, 1, 1.5, 2, 2.7, 3, 5, 10, 29.3, 100, 1000, 12345.6, 1e5, 1e7))
grid$p <- 2 * pt(grid$t, grid$df, lower.tail = FALSE)
write_copy("student_t", subset(grid, p > 1e-299))

# Student's t: quantiles.  R's qt is off by 9 % at probability 1e-200 and df
# 1.1 (4.2.2), its pt is not: so each is polished by Newton's method on pt.
quantile_of <- function(probability, df) {
	t <- qt(probability, df)
	for (step in 1:5) {
		log_p <- pt(-abs(t), df, log.p = TRUE)
		slope <- exp(dt(t, df, log = TRUE) - log_p)
		t <- sign(t) * (abs(t) + (log_p - log(min(probability, 1 - probability))) / slope)
	}
	t
}
grid <- expand.grid(
	probability = c(1e-200, 1e-100, 1e-20, 1e-5, 0.001, 0.025, 0.2, 0.24, 0.26, 0.3, 0.45, 0.6, 0.9, 0.975, 0.9999),
	df = c(1, 1.1, 2, 2.7, 3, 4.5, 10, 30, 1000, 1e5, 1e7))
grid$t <- mapply(quantile_of, grid$probability, grid$df)
write_copy("student_t_quantile", grid)

# Welch.  R squares standard deviations, so groups beyond 1e100 or below
# 1e-100 are compared divided by a scale, and the answer is multiplied.
hedges <- function(before, after) {
	m <- length(before) + length(after) - 2
	pooled <- sqrt(((length(before) - 1) * var(before) + (length(after) - 1) * var(after)) / m)
	exp(lgamma(m / 2) - lgamma((m - 1) / 2)) / sqrt(m / 2) * (mean(after) - mean(before)) / pooled
}
welch <- function(name, before, after, scale = 1) {
	x <- before / scale
	y <- after / scale
	test <- t.test(y, x)
	data.frame(
		name = name,
		before_values = paste0('"{', paste(number(before), collapse = ","), '}"'),
		after_values = paste0('"{', paste(number(after), collapse = ","), '}"'),
		before_mean = mean(x) * scale, before_sd = sd(x) * scale, before_median = median(x) * scale,
		after_mean = mean(y) * scale, after_sd = sd(y) * scale, after_median = median(y) * scale,
		difference = (mean(y) - mean(x)) * scale,
		percent_change = 100 * (mean(y) - mean(x)) / abs(mean(x)),
		ci_low = test$conf.int[1] * scale, ci_high = test$conf.int[2] * scale,
		t = unname(test$statistic), df = unname(test$parameter), p_value = test$p.value,
		effect_size = hedges(x, y))
}
wave <- function(n, centre, spread) centre + spread * round(sin(1:n * 1.7), 3) # repeatable, no luck in it
write_copy("welch", rbind(
	# Student's sleep data (1908), as shipped with R.
	welch("sleep", sleep$extra[sleep$group == 1], sleep$extra[sleep$group == 2]),
	# Waiting between eruptions of Old Faithful, the first 30 against the last 20.
	welch("unequal sizes", head(faithful$waiting, 30), tail(faithful$waiting, 20)),
	welch("two against two", c(1, 2), c(4, 6)),
	welch("two against fifty", c(3.1, 4.7), wave(50, 5, 1)),
	welch("smallest df", c(0, 1000), c(1, 2, 3)),
	welch("negative mean", c(-5, -7, -6.5, -4), c(-2, -3, -2.5, -1)),
	welch("one side constant", c(2, 2, 2, 2), c(1, 5, 3, 8)),
	welch("no difference", c(1, 2, 3), c(2, 1, 3)),
	welch("huge t", wave(40, 0, 1e-3), wave(40, 1000, 1e-3)),
	welch("p near 1e-200", wave(120, 10, 1), wave(120, 20.4, 1.1)),
	welch("offset 1e12", 1e12 + c(1, 2, 4, 8), 1e12 + c(3, 9, 12, 13)),
	welch("scale 1e150", 1e150 * c(1, 2, 4, 8), 1e150 * c(3, 9, 12, 13), 1e150),
	welch("scale 1e-300", 1e-300 * c(1, 2, 4, 8), 1e-300 * c(3, 9, 12, 13), 1e-300),
	welch("very unequal spreads", wave(30, 0, 1e-6), wave(30, 2, 1e6)),
	welch("yes and no", rep(c(0, 1), c(33, 27)), rep(c(0, 1), c(21, 45)))))
