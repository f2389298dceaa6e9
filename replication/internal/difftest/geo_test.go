package difftest

import (
	"hash/fnv"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/understudy-go/understudy/resp"
)

// geoKeys hold places mostly.
var geoKeys = []string{"g1", "g2", "g3"}

func (g *gen) geoKey() string { return g.mostly(geoKeys) }

const isTrigonometry = "the sides compute sines with other last digits, which may show in the fourth digit of a distance, and in the order of places that are equally far away"

var geoRows = []row{
	{"GEOADD", 40, geoAddArgs, exact, ""},
	{"GEOPOS", 8, func(g *gen) []string { return append(list(g.geoKey()), g.several(3, g.place)...) }, exact, ""},
	{"GEOHASH", 8, func(g *gen) []string { return append(list(g.geoKey()), g.several(3, g.place)...) }, exact, ""},
	{"GEODIST", 8, func(g *gen) []string { return g.maybe(2, list(g.geoKey(), g.place(), g.place()), g.unit()) }, nearly, isTrigonometry},
	{"GEOSEARCH", 40, func(g *gen) []string { return append(list(g.geoKey()), g.geoSearch()...) }, nearly, isTrigonometry},
	{"GEOSEARCHSTORE", 15, func(g *gen) []string { return append(list(g.geoKey(), g.geoKey()), g.geoSearch()...) }, exact, ""},
	{"GEORADIUS", 12, func(g *gen) []string { return g.geoRadius(true, g.lon(), g.lat()) }, nearly, isTrigonometry},
	{"GEORADIUS_RO", 5, func(g *gen) []string { return g.geoRadius(false, g.lon(), g.lat()) }, nearly, isTrigonometry},
	{"GEORADIUSBYMEMBER", 12, func(g *gen) []string { return g.geoRadius(true, g.place()) }, nearly, isTrigonometry},
	{"GEORADIUSBYMEMBER_RO", 5, func(g *gen) []string { return g.geoRadius(false, g.place()) }, nearly, isTrigonometry},
}

// place is one of some members, at times of many.
func (g *gen) place() string { return "place" + strconv.Itoa(g.r.IntN(40)) }

func (g *gen) lon() string {
	if g.chance(12) {
		return g.pick("180", "-180", "0", "179.9999999", "180.0000001", "-0", "1e400", "nan", "inf", "x", "", "0x10", " 1", "90")
	}
	return strconv.FormatFloat(g.r.Float64()*360-180, 'f', -1, 64)
}

func (g *gen) lat() string {
	if g.chance(12) {
		return g.pick("85.05112878", "-85.05112878", "85.05112879", "0", "90", "-inf", "abc", "66", "80.1", "-66.5", "45")
	}
	return strconv.FormatFloat(g.r.Float64()*170-85, 'f', -1, 64)
}

// geoAddArgs are places: some anywhere, some in one small region, so that searches find several. No two members are at the
// same place, for they would be equally far from everywhere.
func geoAddArgs(g *gen) []string {
	args := list(g.geoKey())
	for g.chance(3) {
		args = append(args, g.word("NX", "XX", "CH", "CH", "INCR"))
	}
	n := 1 + g.r.IntN(4)
	if g.chance(15) {
		n = 150
	}
	for i := range n {
		name := g.place()
		if n > 100 {
			name += "-" + strconv.Itoa(i)
		}
		lon, lat := g.lon(), g.lat()
		if g.chance(2) {
			h := fnv.New32a()
			h.Write([]byte(name))
			lon, lat = near(13, h.Sum32()&0xffff), near(38, h.Sum32()>>16)
		}
		args = append(args, lon, lat, name)
	}
	return args
}

func near(degrees float64, n uint32) string {
	return strconv.FormatFloat(degrees+float64(n)/1e5, 'f', -1, 64)
}

func (g *gen) unit() string { return g.word("m", "km", "km", "ft", "mi", "mm") }

func (g *gen) size() string {
	if g.chance(15) {
		return g.pick("0", "-1", "inf", "1e300", "nan", "x", "", "-0", "1e-300")
	}
	return strconv.FormatFloat(math.Exp(g.r.Float64()*10), 'f', -1, 64)
}

func (g *gen) geoSearch() (args []string) {
	for range 1 + g.r.IntN(20)/19 {
		switch {
		case g.chance(3):
			args = append(args, g.word("FROMMEMBER"), g.place())
		case g.chance(2):
			args = append(args, g.word("FROMLONLAT"), g.lon(), g.lat())
		default:
			args = append(args, g.word("FROMLONLAT"), near(13, uint32(g.r.IntN(1<<16))), near(38, uint32(g.r.IntN(1<<16))))
		}
	}
	for range 1 + g.r.IntN(20)/19 {
		if g.chance(2) {
			args = append(args, g.word("BYRADIUS"), g.size(), g.unit())
		} else {
			args = append(args, g.word("BYBOX"), g.size(), g.size(), g.unit())
		}
	}
	return append(args, g.geoOptions()...)
}

func (g *gen) geoOptions() (args []string) {
	for range g.r.IntN(4) {
		switch g.r.IntN(4) {
		case 0:
			args = append(args, g.word("COUNT"), g.pick("1", "2", "3", "100", "0", "-1", "x"))
		case 1:
			args = append(args, g.word("COUNT"), g.pick("1", "2", "100"), g.word("ANY"))
		default:
			args = append(args, g.word("ASC", "DESC", "WITHDIST", "WITHCOORD", "WITHHASH", "ANY", "junk"))
		}
	}
	return args
}

func (g *gen) geoRadius(stores bool, center ...string) []string {
	args := append(list(g.geoKey()), center...)
	args = append(append(args, g.size(), g.unit()), g.geoOptions()...)
	if g.chance(3) && stores || g.chance(20) {
		args = append(args, g.word("STORE"), g.geoKey())
	}
	return args
}

// nearly: texts of distances may differ by one in the last of their four digits.
func nearly(args []string, ours, theirs resp.Value) bool {
	switch {
	case exact(args, ours, theirs):
		return true
	case ours.Kind != theirs.Kind || len(ours.Elems) != len(theirs.Elems):
		return false
	case len(ours.Elems) == 0:
		a, b := distanceOf(ours), distanceOf(theirs)
		return math.Abs(a-b) < 0.00015+1e-13*a
	}
	return !slices.ContainsFunc(indexes(ours.Elems), func(i int) bool { return !nearly(args, ours.Elems[i], theirs.Elems[i]) })
}

func indexes(elems []resp.Value) (list []int) {
	for i := range elems {
		list = append(list, i)
	}
	return list
}

// distanceOf is the number of a text with four digits behind the point, or NaN.
func distanceOf(v resp.Value) float64 {
	_, digits, _ := strings.Cut(v.Str, ".")
	f, err := strconv.ParseFloat(v.Str, 64)
	if v.Kind != resp.Bulk || len(digits) != 4 || err != nil {
		return math.NaN()
	}
	return f
}
