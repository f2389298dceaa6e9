package store

import (
	"cmp"
	"slices"

	"github.com/understudy-go/understudy/store/internal/geo"
	"github.com/understudy-go/understudy/store/internal/table"
)

// Places are members of a sorted set, whose scores say where they are: package geo knows
// how. All commands for sorted sets work on them.

// A GeoPoint is a place on the earth: longitude from -180 to 180 and latitude from
// -85.05112878 to 85.05112878, in degrees. East and north are positive.
type GeoPoint struct{ Lon, Lat float64 }

// A GeoMember is a member of a sorted set and where it is.
type GeoMember struct {
	Member string
	GeoPoint
}

// geoSearch is what a GEOSEARCH or one of its kin looks for.
type geoSearch struct {
	shape geo.Shape
	order GeoOrder
	count int64 // at most so many; 0 all
	any   bool  // the first count that are met, not the nearest

	distances bool // somebody wants to know them to the last digit
}

// GeoFound is a member that a search found.
type GeoFound struct {
	GeoMember
	Distance float64 // meters from the middle of the area
	Score    float64
}

// geoPlace is where a member of e, a sorted set or nil, is.
func (x *exec) geoPlace(e *table.Entry, member string) (p geo.Point, ok bool) {
	score, ok := x.zscore(e, member)
	if !ok {
		return p, false
	}
	return geo.PointOf(score), true
}

// geoDistance is how many meters two members of e, a sorted set or nil, are apart.
func (x *exec) geoDistance(e *table.Entry, a, b string) (meters float64, ok bool) {
	p, here := x.geoPlace(e, a)
	q, there := x.geoPlace(e, b)
	if !here || !there {
		return 0, false
	}
	return geo.ExactDistance(p, q), true
}

// geoFind is what of e, a sorted set or nil, a search finds. O(log n + m), where m members
// lie in up to nine cells that cover the area; and what sorting takes.
func (x *exec) geoFind(e *table.Entry, q *geoSearch) []GeoFound {
	if e == nil {
		return nil
	}
	o, spans := x.geoSpans(e, q.shape.Ranges())
	found := q.collect(o, spans)
	o.done()
	q.sort(found)
	if q.count > 0 && int64(len(found)) > q.count {
		found = found[:q.count]
	}
	if q.distances {
		for i, f := range found {
			found[i].Distance = geo.ExactDistance(q.shape.Center(), geo.Point(f.GeoPoint))
		}
	}
	return found
}

// geoSpans opens e and finds ranges of scores in it: held if few members are in them, else
// pinned. The caller calls done.
func (x *exec) geoSpans(e *table.Entry, ranges []geo.Range) (o order, spans []span) {
	o = x.order(e)
	spans, n := findSpans(o, ranges)
	if n <= mostHeld || o.held == nil {
		return o, spans
	}
	o.done()
	o = x.pinned(e)
	spans, _ = findSpans(o, ranges) // again: the writer may have been in between
	return o, spans
}

func findSpans(o order, ranges []geo.Range) (spans []span, n int) {
	for _, r := range ranges {
		i := o.search(func(it Scored) bool { return it.Score >= r.Min })
		j := o.search(func(it Scored) bool { return it.Score >= r.Max })
		spans = append(spans, span{i, j})
		n += j - i
	}
	return spans, n
}

// collect is what of o in spans lies in the area, in the order in which it is met.
func (q *geoSearch) collect(o order, spans []span) (found []GeoFound) {
	for _, s := range spans {
		for it := range o.walk(s.from, s.to, false) {
			p := geo.PointOf(it.Score)
			if !q.shape.Holds(p) {
				continue
			}
			found = append(found, GeoFound{GeoMember{it.Member, GeoPoint(p)}, geo.Distance(q.shape.Center(), p), it.Score})
			if q.any && int64(len(found)) >= q.count {
				return found
			}
		}
	}
	return found
}

// sort brings found into the order that q asks for. Who asks for some but not for any of
// them gets the nearest.
func (q *geoSearch) sort(found []GeoFound) {
	switch {
	case q.order == GeoFarthest:
		slices.SortStableFunc(found, func(a, b GeoFound) int { return cmp.Compare(b.Distance, a.Distance) })
	case q.order == GeoNearest, q.count > 0 && !q.any:
		slices.SortStableFunc(found, func(a, b GeoFound) int { return cmp.Compare(a.Distance, b.Distance) })
	}
}

// geoStore makes what a search found the value of key to and returns how many members that
// has: with the scores that they have, or, in units of so many meters, their distances;
// 0 for no unit. The stream carries the result, since another machine may compute the last
// digit of a distance otherwise, and so find another member. command is what the event is
// named after.
func (x *exec) geoStore(command, to string, found []GeoFound, unit float64) int {
	b := newSortedBuilder(x.s, x.c.version)
	for _, f := range found {
		score := f.Score
		if unit > 0 {
			score = f.Distance / unit
		}
		b.add(f.Member, score)
	}
	x.zstoreResult(command, to, b)
	return b.len()
}
