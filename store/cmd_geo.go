package store

import (
	"math"
	"strconv"
	"strings"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store/internal/geo"
)

var geoCommands = []Command{
	{Name: "GEOADD", Arity: -5, Flags: FlagWrite, FirstKey: 1, LastKey: 1, Step: 1, run: cmdGeoAdd},
	{Name: "GEOPOS", Arity: -2, Flags: readMany, FirstKey: 1, LastKey: 1, Step: 1, run: cmdGeoPos},
	{Name: "GEODIST", Arity: -4, Flags: readMany, FirstKey: 1, LastKey: 1, Step: 1, run: cmdGeoDist},
	{Name: "GEOHASH", Arity: -2, Flags: readMany, FirstKey: 1, LastKey: 1, Step: 1, run: cmdGeoHash},
	{Name: "GEOSEARCH", Arity: -7, Flags: readMany, FirstKey: 1, LastKey: 1, Step: 1, run: cmdGeoSearch},
	{Name: "GEOSEARCHSTORE", Arity: -8, Flags: FlagWrite, FirstKey: 1, LastKey: 2, Step: 1, run: cmdGeoSearchStore},
	{Name: "GEORADIUS", Arity: -6, Flags: FlagWrite, FirstKey: 1, LastKey: 1, Step: 1, keys: geoRadiusKeys(6), run: cmdGeoRadius},
	{Name: "GEORADIUS_RO", Arity: -6, Flags: readMany, FirstKey: 1, LastKey: 1, Step: 1, run: cmdGeoRadiusRO},
	{Name: "GEORADIUSBYMEMBER", Arity: -5, Flags: FlagWrite, FirstKey: 1, LastKey: 1, Step: 1, keys: geoRadiusKeys(5), run: cmdGeoRadiusByMember},
	{Name: "GEORADIUSBYMEMBER_RO", Arity: -5, Flags: readMany, FirstKey: 1, LastKey: 1, Step: 1, run: cmdGeoRadiusByMemberRO},
}

// cmdGeoAdd is GEOADD key [NX|XX] [CH] longitude latitude member [...]: a ZADD of scores that
// it computes, and that is what the stream carries.
func cmdGeoAdd(x *exec, args [][]byte) resp.Value {
	o, changes, rest := parseGeoAdd(args)
	if len(rest)%3 != 0 || o.ifNew && o.ifHeld || len(rest) == 0 {
		return reply(ErrSyntax)
	}
	items := make([]Scored, len(rest)/3)
	for i := range items {
		p, err := parsePoint(rest[3*i:])
		if err != nil {
			return reply(err)
		}
		items[i] = Scored{float64(geo.Score(p)), argString(rest, 3*i+2)}
	}
	res, err := x.geoAdd(argString(args, 1), items, o, changes)
	switch {
	case err != nil:
		return reply(err)
	case changes:
		return resp.Integer(int64(res.added + res.changed))
	}
	return resp.Integer(int64(res.added))
}

func parseGeoAdd(args [][]byte) (o zaddOptions, changes bool, rest [][]byte) {
	for i, a := range args[2:] {
		switch {
		case isWord(a, "NX"):
			o.ifNew = true
		case isWord(a, "XX"):
			o.ifHeld = true
		case isWord(a, "CH"):
			changes = true
		default:
			return o, changes, args[2+i:]
		}
	}
	return o, changes, nil
}

// geoAdd is zadd of items that are places.
func (x *exec) geoAdd(key string, items []Scored, o zaddOptions, changes bool) (zaddResult, error) {
	res, err := x.zadd(key, items, o)
	if err == nil && res.added+res.changed > 0 {
		effect := o.effect(key, items)
		if changes {
			effect = append(effect[:2:2], append([]string{"CH"}, effect[2:]...)...)
		}
		x.c.effect(x.db, effect...)
	}
	return res, err
}

// parsePoint reads longitude and latitude, the first two of args.
func parsePoint(args [][]byte) (p geo.Point, err error) {
	if p.Lon, err = parseScore(argString(args, 0)); err != nil {
		return p, err
	}
	if p.Lat, err = parseScore(argString(args, 1)); err != nil {
		return p, err
	}
	return p, checkPoint(p)
}

func checkPoint(p geo.Point) error {
	if p.Valid() {
		return nil
	}
	return wireError("ERR invalid longitude,latitude pair %s,%s", degreesText(p.Lon), degreesText(p.Lat))
}

func degreesText(f float64) string {
	if math.IsInf(f, 0) {
		return formatScore(f)
	}
	return strconv.FormatFloat(f, 'f', 6, 64)
}

func cmdGeoPos(x *exec, args [][]byte) resp.Value {
	e, err := x.sorted(argString(args, 1))
	if err != nil {
		return reply(err)
	}
	elems := make([]resp.Value, len(args)-2)
	for i := range elems {
		elems[i] = resp.NullArray()
		if p, ok := x.geoPlace(e, argString(args, i+2)); ok {
			elems[i] = pointReply(p)
		}
	}
	return resp.ArrayOf(elems...)
}

func pointReply(p geo.Point) resp.Value {
	return resp.ArrayOf(resp.DoubleText(p.Lon, formatDegrees(p.Lon)), resp.DoubleText(p.Lat, formatDegrees(p.Lat)))
}

// formatDegrees is a coordinate as Redis 7.0 prints it: 17 digits behind the point, zeros at
// the end left out.
func formatDegrees(f float64) string {
	return strings.TrimRight(strings.TrimRight(strconv.FormatFloat(f, 'f', 17, 64), "0"), ".")
}

// distanceReply is meters in a unit, with four digits behind the point.
func distanceReply(meters, unit float64) resp.Value {
	return resp.BulkString(strconv.FormatFloat(meters/unit, 'f', 4, 64))
}

// cmdGeoDist is GEODIST key member1 member2 [unit].
func cmdGeoDist(x *exec, args [][]byte) resp.Value {
	unit := 1.0
	switch {
	case len(args) > 5:
		return reply(ErrSyntax)
	case len(args) == 5:
		var err error
		if unit, err = parseUnit(args[4]); err != nil {
			return reply(err)
		}
	}
	e, err := x.sorted(argString(args, 1))
	if err != nil {
		return reply(err)
	}
	d, ok := x.geoDistance(e, argString(args, 2), argString(args, 3))
	if !ok {
		return resp.NullValue()
	}
	return distanceReply(d, unit)
}

// parseUnit is how many meters a unit has.
func parseUnit(arg []byte) (meters float64, err error) {
	switch {
	case isWord(arg, "m"):
		return 1, nil
	case isWord(arg, "km"):
		return 1000, nil
	case isWord(arg, "ft"):
		return 0.3048, nil
	case isWord(arg, "mi"):
		return 1609.34, nil
	}
	return 0, wireError("ERR unsupported unit provided. please use M, KM, FT, MI")
}

func cmdGeoHash(x *exec, args [][]byte) resp.Value {
	e, err := x.sorted(argString(args, 1))
	if err != nil {
		return reply(err)
	}
	elems := make([]resp.Value, len(args)-2)
	for i := range elems {
		elems[i] = resp.NullValue()
		if score, ok := x.zscore(e, argString(args, i+2)); ok {
			elems[i] = resp.BulkString(geo.Hash(score))
		}
	}
	return resp.ArrayOf(elems...)
}
