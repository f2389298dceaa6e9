package store

import (
	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store/internal/geo"
	"github.com/understudy-go/understudy/store/internal/table"
)

// geoSearchCommand is what GEOSEARCH, GEORADIUS or one of their kin takes.
type geoSearchCommand struct {
	geoSearch
	name    string // as sent
	words   bool   // GEOSEARCH: words say where and how far
	readOn  bool   // GEORADIUS_RO: nothing is stored
	event   string // what the event of a store is named after
	store   bool
	to      string
	byRange bool // STOREDIST

	from   geoFrom
	by     geoBy
	center geo.Point
	size   [2]float64 // radius, or width and height, in units
	unit   float64    // meters
	edges  []geo.Point

	withDist, withHash, withCoord bool
}

// geoFrom says where the middle of the area comes from.
type geoFrom uint8

const (
	fromNowhere geoFrom = iota
	fromMember
	fromPlace
)

// geoBy says what the area is.
type geoBy uint8

const (
	byNothing geoBy = iota
	byRadius
	byBox
	byPolygon
)

var (
	errNoPlace  = wireError("ERR could not decode requested zset member")
	errVertices = wireError("ERR GEOSEARCH BYPOLYGON must have at least 3 vertices")
)

// cmdGeoSearch is GEOSEARCH key FROMMEMBER member|FROMLONLAT longitude latitude BYRADIUS
// radius unit|BYBOX width height unit [ASC|DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST]
// [WITHHASH], or with neither FROM but BYPOLYGON count longitude latitude [...], of Valkey 9.
func cmdGeoSearch(x *exec, args [][]byte) resp.Value {
	e, err := x.sorted(argString(args, 1))
	return x.geoSearchCommand(e, err, args, 2, geoSearchCommand{words: true})
}

func cmdGeoSearchStore(x *exec, args [][]byte) resp.Value {
	r, err := x.sortedRef(argString(args, 2))
	return x.geoSearchCommand(r.e, err, args, 3, geoSearchCommand{words: true, store: true, to: argString(args, 1), event: "geosearchstore"})
}

// cmdGeoRadius is GEORADIUS key longitude latitude radius unit [WITHCOORD] [WITHDIST]
// [WITHHASH] [ASC|DESC] [COUNT count [ANY]] [STORE key|STOREDIST key].
func cmdGeoRadius(x *exec, args [][]byte) resp.Value {
	r, err := x.sortedRef(argString(args, 1))
	return x.geoRadius(r.e, err, args, geoSearchCommand{event: "georadiusstore"})
}

func cmdGeoRadiusRO(x *exec, args [][]byte) resp.Value {
	e, err := x.sorted(argString(args, 1))
	return x.geoRadius(e, err, args, geoSearchCommand{readOn: true})
}

func (x *exec) geoRadius(e *table.Entry, err error, args [][]byte, c geoSearchCommand) resp.Value {
	if err != nil {
		return reply(err)
	}
	if c.center, err = parsePoint(args[2:]); err == nil {
		err = c.parseRadius(args[4:])
	}
	c.from = fromPlace
	return x.geoSearchCommand(e, err, args, 6, c)
}

// cmdGeoRadiusByMember is cmdGeoRadius around a member.
func cmdGeoRadiusByMember(x *exec, args [][]byte) resp.Value {
	r, err := x.sortedRef(argString(args, 1))
	return x.geoRadiusByMember(r.e, err, args, geoSearchCommand{event: "georadiusstore"})
}

func cmdGeoRadiusByMemberRO(x *exec, args [][]byte) resp.Value {
	e, err := x.sorted(argString(args, 1))
	return x.geoRadiusByMember(e, err, args, geoSearchCommand{readOn: true})
}

// geoRadiusByMember does not look at the radius where there is nothing to search.
func (x *exec) geoRadiusByMember(e *table.Entry, err error, args [][]byte, c geoSearchCommand) resp.Value {
	if e != nil && err == nil {
		if err = c.aroundMember(x, e, argString(args, 2)); err == nil {
			err = c.parseRadius(args[3:])
		}
	}
	return x.geoSearchCommand(e, err, args, 5, c)
}

// geoSearchCommand answers the command whose options begin at args[options].
func (x *exec) geoSearchCommand(e *table.Entry, err error, args [][]byte, options int, c geoSearchCommand) resp.Value {
	c.name = argString(args, 0)
	if err == nil {
		err = c.parse(x, e, args[options:])
	}
	if err == nil {
		err = c.check()
	}
	if err != nil {
		return reply(err)
	}
	var found []GeoFound
	if e != nil {
		c.shape, c.distances = c.area(), c.withDist || c.byRange
		found = x.geoFind(e, &c.geoSearch)
	}
	if !c.store {
		return c.reply(found)
	}
	unit := c.unit
	if !c.byRange {
		unit = 0
	}
	return resp.Integer(int64(x.geoStore(c.event, c.to, found, unit)))
}

// area is the shape that the words ask for.
func (c *geoSearchCommand) area() geo.Shape {
	switch c.by {
	case byBox:
		return geo.Box(c.center, c.size[0]*c.unit, c.size[1]*c.unit)
	case byPolygon:
		return geo.Polygon(c.edges)
	}
	return geo.Circle(c.center, c.size[0]*c.unit)
}

func (c *geoSearchCommand) reply(found []GeoFound) resp.Value {
	elems := make([]resp.Value, len(found))
	for i, f := range found {
		one := []resp.Value{resp.BulkString(f.Member)}
		if c.withDist {
			one = append(one, distanceReply(f.Distance, c.unit))
		}
		if c.withHash {
			one = append(one, resp.Integer(int64(f.Score)))
		}
		if c.withCoord {
			one = append(one, pointReply(geo.Point(f.GeoPoint)))
		}
		if elems[i] = one[0]; len(one) > 1 {
			elems[i] = resp.ArrayOf(one...)
		}
	}
	return resp.ArrayOf(elems...)
}

// parse reads options. e is the sorted set that is searched, or nil.
func (c *geoSearchCommand) parse(x *exec, e *table.Entry, args [][]byte) error {
	for len(args) > 0 {
		used := c.parseFlag(args[0])
		var err error
		if used == 0 {
			used, err = c.parseOption(args)
		}
		if used == 0 && err == nil && c.words {
			used, err = c.parseArea(x, e, args)
		}
		if used == 0 && err == nil {
			err = ErrSyntax
		}
		if err != nil {
			return err
		}
		args = args[used:]
	}
	return nil
}

// parseFlag reads a word that stands alone. It returns 1, or 0 if it is none.
func (c *geoSearchCommand) parseFlag(arg []byte) (used int) {
	switch {
	case isWord(arg, "WITHDIST"):
		c.withDist = true
	case isWord(arg, "WITHHASH"):
		c.withHash = true
	case isWord(arg, "WITHCOORD"):
		c.withCoord = true
	case isWord(arg, "ANY"):
		c.any = true
	case isWord(arg, "ASC"):
		c.order = GeoNearest
	case isWord(arg, "DESC"):
		c.order = GeoFarthest
	case isWord(arg, "STOREDIST") && c.words && c.store:
		c.byRange = true
	default:
		return 0
	}
	return 1
}

// parseOption reads a word that another one follows. It returns how many it has used.
func (c *geoSearchCommand) parseOption(args [][]byte) (used int, err error) {
	stores := !c.words && !c.readOn
	switch {
	case len(args) < 2:
		return 0, nil
	case isWord(args[0], "COUNT"):
		if c.count, err = parseInt(argString(args, 1)); err == nil && c.count <= 0 {
			err = wireError("ERR COUNT must be > 0")
		}
	case isWord(args[0], "STORE") && stores:
		c.store, c.to, c.byRange = true, argString(args, 1), false
	case isWord(args[0], "STOREDIST") && stores:
		c.store, c.to, c.byRange = true, argString(args, 1), true
	default:
		return 0, nil
	}
	return 2, err
}

// parseArea reads where GEOSEARCH looks, and how far. Each may be said once more in the
// same way.
func (c *geoSearchCommand) parseArea(x *exec, e *table.Entry, args [][]byte) (used int, err error) {
	more := len(args) - 1
	switch {
	case isWord(args[0], "FROMMEMBER") && more >= 1 && c.from != fromPlace && c.by != byPolygon:
		return 2, c.aroundMember(x, e, argString(args, 1))
	case isWord(args[0], "FROMLONLAT") && more >= 2 && c.from != fromMember && c.by != byPolygon:
		c.center, err = parsePoint(args[1:])
		c.from = fromPlace
		return 3, err
	case isWord(args[0], "BYRADIUS") && more >= 2 && (c.by == byNothing || c.by == byRadius):
		return 3, c.parseRadius(args[1:])
	case isWord(args[0], "BYBOX") && more >= 3 && (c.by == byNothing || c.by == byBox):
		return 4, c.parseBox(args[1:])
	case isWord(args[0], "BYPOLYGON") && more >= 2 && c.by == byNothing && c.from == fromNowhere:
		return c.parsePolygon(args)
	}
	return 0, nil
}

// aroundMember makes a member's place the middle. Where there is nothing to search, any
// will do.
func (c *geoSearchCommand) aroundMember(x *exec, e *table.Entry, member string) error {
	c.from = fromMember
	if e == nil {
		return nil
	}
	p, ok := x.geoPlace(e, member)
	if !ok {
		return errNoPlace
	}
	c.center = p
	return nil
}

func (c *geoSearchCommand) parseRadius(args [][]byte) (err error) {
	c.by = byRadius
	c.size[0], err = parseScore(argString(args, 0))
	switch {
	case err != nil:
		return wireError("ERR need numeric radius")
	case c.size[0] < 0:
		return wireError("ERR radius cannot be negative")
	}
	c.unit, err = parseUnit(args[1])
	return err
}

func (c *geoSearchCommand) parseBox(args [][]byte) (err error) {
	c.by = byBox
	if c.size[0], err = parseScore(argString(args, 0)); err != nil {
		return wireError("ERR need numeric width")
	}
	if c.size[1], err = parseScore(argString(args, 1)); err != nil {
		return wireError("ERR need numeric height")
	}
	if c.size[0] < 0 || c.size[1] < 0 {
		return wireError("ERR height or width cannot be negative")
	}
	c.unit, err = parseUnit(args[2])
	return err
}

// parsePolygon reads BYPOLYGON, how many vertices there are, and those. Distances are in
// meters then.
func (c *geoSearchCommand) parsePolygon(args [][]byte) (used int, err error) {
	n, err := parseInt(argString(args, 1))
	switch {
	case err != nil:
		return 0, wireError("ERR invalid number of vertices")
	case n < 3 || n > int64(len(args)-2)/2:
		return 0, errVertices
	}
	c.by, c.unit, c.edges = byPolygon, 1, make([]geo.Point, n)
	for i := range c.edges {
		if c.edges[i], err = parsePoint(args[2+2*i:]); err != nil {
			return 0, err
		}
	}
	return 2 + 2*int(n), nil
}

// check looks at what goes together when all words are read.
func (c *geoSearchCommand) check() error {
	switch {
	case c.store && (c.withDist || c.withHash || c.withCoord):
		what := "STORE option in GEORADIUS"
		if c.words {
			what = "GEOSEARCHSTORE"
		}
		return wireError("ERR %s is not compatible with WITHDIST, WITHHASH and WITHCOORD options", what)
	case c.words && c.from == fromNowhere && c.by != byPolygon:
		return wireError("ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for %s", c.name)
	case c.words && c.by == byNothing:
		return wireError("ERR exactly one of BYRADIUS and BYBOX can be specified for %s", c.name)
	case c.any && c.count == 0:
		return wireError("ERR the ANY argument requires COUNT argument")
	}
	return nil
}
