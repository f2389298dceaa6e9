//go:build race

package simtest

// raceEnabled: under the race detector a seed takes five times as long.
const raceEnabled = true
