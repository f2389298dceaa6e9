// Package geo is the arithmetic of places on the earth as Redis does it: a place becomes
// a number, numbers that are near one another are places that are, and a search looks at a
// few ranges of numbers.
//
// # Cells
//
// Longitudes from -180 to 180 and latitudes from -85.05112878 to 85.05112878 degrees, what
// a Mercator map shows, are each cut into 2^26 equal parts. The 26 bits of both, one by one
// in turn, the longitude's first, are 52 bits: the score of the place. A float64 holds them
// exactly. So a score is a cell of about 0.6 m, and the place that is read from it is the
// middle of that cell.
//
// The first 2k bits of a score are a larger cell, of which there are 4^k. All scores in it
// are one range. A search picks k such that the cell in which its middle lies and the
// eight around it cover its area, leaves out those that cannot matter, and looks at what is
// in the rest: that, and not the number of all places, is the cost.
//
// # Distances
//
// The earth is a sphere of 6372797.560856 m, and a distance is that along a great circle,
// by the haversine formula.
//
// Which places are found, and in which order, is what Redis 7.0 finds, edges and oddities
// included: a place at longitude 180 has a score beyond all cells, and areas that reach
// over a pole or around the earth miss what only the other side has.
package geo
