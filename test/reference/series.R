# Reference values for test/pgtap/series.sql, from R (written with 4.2.2, nlme
# 3.1-162, sandwich 3.0-2).
# Run at the top of the tree:  Rscript test/reference/series.R
# It writes test/data/series.sql: CSV between COPY and \., read by the test
# with \ir.  R is not needed to run it.
#
# Nothing here is computed the way the extension does it.  Ordinary least
# squares: lm.  Newey and West: sandwich; where points are missing, the
# formula over the series with zeros in their places.  Prais and Winsten: rho
# is iterated over nlme's gls with the correlation rho^|distance| given, which
# inverts that matrix instead of transforming the rows.

suppressPackageStartupMessages({
	library(nlme)
	library(sandwich)
})

source("test/reference/write.R")

list_of <- function(x) paste0('"{', paste(ifelse(is.na(x), "NULL", number(x)), collapse = ","), '}"')

# Sine and cosine of the season: every wave of a season of up to 7 points, two
# of a longer one; the last sine of an even one is 0 everywhere.
waves <- function(time, season) {
	if (is.na(season)) return(NULL)
	pairs <- if (season <= 7) season %/% 2 else 2
	X <- do.call(cbind, lapply(1:pairs, function(h) cbind(sin(2 * pi * h * time / season), cos(2 * pi * h * time / season))))
	keep <- seq_len(ncol(X))
	if (2 * pairs == season) keep <- setdiff(keep, 2 * pairs - 1)
	colnames(X) <- paste0("w", seq_len(ncol(X)))
	X[, keep, drop = FALSE]
}

# Bartlett's weights over the scores, missing points as zeros.
newey_west <- function(X, residuals, place, lags) {
	scores <- matrix(0, max(place), ncol(X))
	scores[place, ] <- X * residuals
	N <- nrow(scores)
	meat <- crossprod(scores)
	for (l in seq_len(lags)) {
		cross <- crossprod(scores[(l + 1):N, , drop = FALSE], scores[1:(N - l), , drop = FALSE])
		meat <- meat + (1 - l / (lags + 1)) * (cross + t(cross))
	}
	bread <- solve(crossprod(X))
	bread %*% meat %*% bread * nrow(X) / (nrow(X) - ncol(X))
}

# Figures of values beyond R's squares are those of the values over a scale.
case <- function(name, y, cutover, season = NA, fitted_season = season, centre = 0, scale = 1) {
	place <- which(!is.na(y))
	values <- (y[place] - centre) / scale
	data <- data.frame(y = values, time = place, post = as.numeric(place >= cutover), since = pmax(0, place - cutover))
	W <- waves(place, fitted_season)
	if (!is.null(W)) data <- cbind(data, W)
	model <- reformulate(setdiff(names(data), "y"), "y")
	ols <- lm(model, data, tol = 1e-12)
	n <- nrow(data)
	df <- ols$df.residual
	lags <- floor(4 * (n / 100)^(2 / 9))
	nw <- newey_west(model.matrix(ols), residuals(ols), place, lags)
	if (length(place) == max(place)) {
		theirs <- NeweyWest(ols, lag = lags, prewhite = FALSE, adjust = TRUE)
		stopifnot(all.equal(unname(nw), unname(theirs), tolerance = 1e-7))
		nw <- unname(theirs)
	}

	neighbours <- which(diff(place) == 1)
	rho <- 0
	error <- residuals(ols)
	repeat {
		last <- rho
		rho <- sum(error[neighbours + 1] * error[neighbours]) / sum(error[neighbours]^2)
		pw <- gls(model, data, correlation = corAR1(rho, form = ~time, fixed = TRUE))
		error <- data$y - predict(pw)
		if (abs(rho - last) < 1e-13) break
	}
	b <- coef(pw)
	V <- vcov(pw)
	reach <- qt(0.975, df)
	figure <- function(weights) {
		estimate <- sum(weights * b)
		se <- sqrt(drop(weights %*% V %*% weights))
		c(estimate = estimate, se = se, p = 2 * pt(-abs(estimate / se), df), low = estimate - reach * se, high = estimate + reach * se)
	}
	unit <- function(which) as.numeric(names(b) == which)
	end <- max(place)
	level <- figure(unit("post"))
	slope <- figure(unit("since"))
	gap <- figure(unit("post") + (end - cutover) * unit("since"))
	season_end <- if (is.null(W)) 0 else sum(W[nrow(W), ] * b[colnames(W)])
	terms <- if (is.null(W)) NA else b[colnames(W)] * scale
	if (!is.null(W) && ncol(W) %% 2 == 1) # the sine that was left out
		terms <- append(terms, 0, length(terms) - 1)
	se_ols <- sqrt(diag(vcov(ols)))
	se_nw <- setNames(sqrt(diag(nw)), names(coef(ols)))
	data.frame(
		name = name, y = list_of(y), cutover = cutover, season = season, n = n, df = df,
		intercept = centre + scale * b[["(Intercept)"]], slope = scale * b[["time"]],
		level_change = scale * level[["estimate"]], slope_change = scale * slope[["estimate"]],
		level_change_se = scale * level[["se"]], level_change_p = level[["p"]],
		slope_change_se = scale * slope[["se"]], slope_change_p = slope[["p"]],
		level_change_se_ols = scale * se_ols[["post"]], level_change_se_newey_west = scale * se_nw[["post"]],
		slope_change_se_ols = scale * se_ols[["since"]], slope_change_se_newey_west = scale * se_nw[["since"]],
		rho = rho, season_terms = if (is.null(W)) "" else list_of(terms),
		counterfactual_end = centre + scale * (b[["(Intercept)"]] + b[["time"]] * end + season_end), gap_end = scale * gap[["estimate"]],
		level_change_ci_low = scale * level[["low"]], level_change_ci_high = scale * level[["high"]],
		slope_change_ci_low = scale * slope[["low"]], slope_change_ci_high = scale * slope[["high"]],
		gap_end_ci_low = scale * gap[["low"]], gap_end_ci_high = scale * gap[["high"]],
		level_change_ols = scale * coef(ols)[["post"]], slope_change_ols = scale * coef(ols)[["since"]])
}

# Noise that follows itself, the same in every run.
set.seed(1983, kind = "Mersenne-Twister", normal.kind = "Inversion")
follow <- function(n, rho) {
	x <- rnorm(n)
	x[1] <- x[1] / sqrt(1 - rho^2)
	for (i in 2:n) x[i] <- rho * x[i - 1] + x[i]
	x
}
without <- function(y, places) replace(y, places, NA)
step_at <- function(n, cutover, level, slope = 0) ifelse(1:n >= cutover, level + slope * (1:n - cutover), 0)

nile <- as.numeric(Nile) # shipped with R: flow at Aswan, 1871 to 1970 (Cobb 1978)
drivers <- round(log(as.numeric(Seatbelts[, "drivers"])), 6) # Harvey and Durbin 1986: killed or seriously injured, Great Britain, monthly from 1969
short <- round(50 - 0.3 * 1:16 + step_at(16, 9, -4) + follow(16, 0.3), 2)
rows <- rbind(
	case("Nile, 1899", nile, 29),
	case("Nile with gaps", without(nile, c(1, 2, 14, 33, 34, 35, 60, 77, 99, 100)), 29),
	case("Seatbelts, February 1983", drivers, 170, 12),
	case("Seatbelts without a season", drivers, 170),
	case("Seatbelts with gaps", without(drivers, c(5, 6, 7, 40, 81, 100, 169, 170, 188)), 170, 12),
	case("presidents, 1961: quarters, gaps as published", as.numeric(presidents), 65, 4),
	case("days of the week", round(20 + rep(c(3, 4, 4, 3, 2, -8, -8), 20) + step_at(140, 71, 2.5, 0.05) + follow(140, 0.4), 2), 71, 7),
	case("odd and even", round(5 * (-1)^(1:40) + step_at(40, 21, 3) + follow(40, 0), 3), 21, 2),
	case("a season of three", round(4 * sin(2 * pi * 1:30 / 3) + step_at(30, 16, 3) + follow(30, 0.2), 3), 16, 3),
	case("a season of six", round(4 * sin(2 * pi * 1:60 / 6) + step_at(60, 31, 3) + follow(60, 0.5), 3), 31, 6),
	case("eight on each side", short, 9),
	case("a season that is not covered", round(10 + follow(40, 0.2), 3), 20, 12, fitted_season = NA),
	case("noise that turns round", round(10 + step_at(60, 31, 1, 0.1) + follow(60, -0.6), 3), 31),
	case("noise that stays", round(100 + step_at(90, 40, -3) + follow(90, 0.9), 3), 40),
	case("no effect", round(0.2 * 1:50 + follow(50, 0.5), 3), 25),
	case("a long series", round(0.01 * 1:700 + step_at(700, 650, -2, 0.02) + follow(700, 0.5), 2), 650, 365, fitted_season = NA),
	case("a long one with its season", round(0.01 * 1:800 + 3 * cos(2 * pi * 1:800 / 365) + step_at(800, 760, -2, 0.02) + follow(800, 0.5), 2), 760, 365),
	case("offset 1e12", 1e12 + round(nile), 29, centre = 1e12),
	case("scale 1e150", 1e150 * nile, 29, scale = 1e150),
	case("scale 1e-300", 1e-300 * nile, 29, scale = 1e-300))
write_copy("series", lapply(rows, function(x)
	if (is.character(x) && any(grepl(",", x) & !startsWith(x, '"'))) paste0('"', x, '"') else x))

# The first autocorrelation, as acf has it.
first <- function(y) acf(y, lag.max = 1, plot = FALSE, na.action = na.pass)$acf[2]
for (y in list(nile, without(nile, c(1, 14, 33, 34, 35)), c(1, 2, 4), short))
	cat(sprintf("%.17g", first(y)), "\n")
