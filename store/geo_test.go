package store

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// sicily has places that Redis's own documentation searches.
func sicily(t testing.TB, s *Store) DB {
	t.Helper()
	db := s.DB(0)
	added, err := db.GeoAdd("sicily",
		GeoMember{"Palermo", GeoPoint{13.361389, 38.115556}}, GeoMember{"Catania", GeoPoint{15.087269, 37.502669}},
		GeoMember{"edge1", GeoPoint{12.758489, 38.788135}}, GeoMember{"edge2", GeoPoint{17.241510, 38.788135}})
	if added != 4 || err != nil {
		t.Fatal(added, err)
	}
	return db
}

func names(list []GeoFound) (names []string) {
	for _, f := range list {
		names = append(names, f.Member)
	}
	return names
}

func TestGeoMethods(t *testing.T) {
	s := newStore(t, nil)
	db := sicily(t, s)
	check := func(what string, got, want any, err, wantErr error) {
		t.Helper()
		if fmt.Sprint(got) != fmt.Sprint(want) || !errors.Is(err, wantErr) {
			t.Errorf("%s: %v, %v; want %v, %v", what, got, err, want, wantErr)
		}
	}
	p, err := db.GeoPos("sicily", "Palermo")
	check("GeoPos", p, "{13.361389338970184 38.1155563954963}", err, nil)
	p, err = db.GeoPos("sicily", "Rome")
	check("GeoPos of none", p, GeoPoint{}, err, ErrNotFound)
	h, err := db.GeoHash("sicily", "Palermo")
	check("GeoHash", h, "sqc8b49rny0", err, nil)
	d, err := db.GeoDist("sicily", "Palermo", "Catania")
	check("GeoDist", fmt.Sprintf("%.4f", d), "166274.1516", err, nil)
	d, err = db.GeoDist("sicily", "Palermo", "Rome")
	check("GeoDist of none", d, 0, err, ErrNotFound)

	center := GeoPoint{15, 37}
	list, err := db.GeoSearch("sicily", GeoBox(center, 400e3, 400e3), &GeoSearchOptions{Order: GeoNearest})
	check("GeoSearch", names(list), "[Catania Palermo edge2 edge1]", err, nil)
	check("distance", fmt.Sprintf("%.4f", list[0].Distance), "56441.2579", nil, nil)
	check("score", list[0].Score, 3479447370796909.0, nil, nil)
	list, err = db.GeoSearch("sicily", GeoCircle(center, 200e3), &GeoSearchOptions{Count: 1})
	check("nearest", names(list), "[Catania]", err, nil)
	list, err = db.GeoSearch("sicily", GeoCircle(center, 200e3), &GeoSearchOptions{Count: 1, Any: true})
	check("any", names(list), "[Palermo]", err, nil)
	list, err = db.GeoSearch("sicily", GeoCircle(GeoPoint{}, 200e3).Around("Palermo"), &GeoSearchOptions{Order: GeoFarthest})
	check("around", names(list), "[Catania edge1 Palermo]", err, nil)
	list, err = db.GeoSearch("sicily", GeoArea{}, nil)
	check("nowhere", names(list), "[]", err, nil)
	list, err = db.GeoSearch("none", GeoCircle(GeoPoint{}, 1).Around("Palermo"), nil)
	check("no key", names(list), "[]", err, nil)
	_, err = db.GeoSearch("sicily", GeoCircle(GeoPoint{}, 1).Around("Rome"), nil)
	check("around none", nil, nil, err, ErrNotFound)

	n, err := db.GeoSearchStore("near", "sicily", GeoCircle(center, 200e3), nil)
	check("GeoSearchStore", n, 2, err, nil)
	score, err := db.ZScore("near", "Catania")
	check("score", score, 3479447370796909.0, err, nil)
	n, err = db.GeoSearchStoreDist("near", "sicily", GeoCircle(center, 200e3), nil)
	check("GeoSearchStoreDist", n, 2, err, nil)
	score, err = db.ZScore("near", "Catania")
	check("distance as a score", fmt.Sprintf("%.4f", score), "56441.2579", err, nil)
	added, changed, err := db.GeoAddWith("sicily", &GeoAddOptions{XX: true}, GeoMember{"Palermo", center}, GeoMember{"Rome", center})
	check("GeoAddWith", fmt.Sprint(added, changed), "0 1", err, nil)
}

// Arguments that make no sense are told so, and nothing is written.
func TestGeoRefuses(t *testing.T) {
	s := newStore(t, nil)
	db := sicily(t, s)
	if err := db.Set("text", "v", 0); err != nil {
		t.Fatal(err)
	}
	before := s.backlog.Offset()
	add := func(key string, o *GeoAddOptions, members ...GeoMember) error {
		_, _, err := db.GeoAddWith(key, o, members...)
		return err
	}
	search := func(key string, a GeoArea, o *GeoSearchOptions) error {
		_, err1 := db.GeoSearch(key, a, o)
		_, err2 := db.GeoSearchStore("to", key, a, o)
		if err1 == nil || err2 == nil || err1.Error() != err2.Error() {
			t.Errorf("GeoSearch: %v, GeoSearchStore: %v", err1, err2)
		}
		return err1
	}
	p, one := GeoPoint{1, 1}, GeoCircle(GeoPoint{1, 1}, 1)
	for text, err := range map[string]error{
		"ERR invalid longitude,latitude pair 181.000000,1.000000":                  add("g", nil, GeoMember{"a", p}, GeoMember{"b", GeoPoint{181, 1}}),
		"ERR invalid longitude,latitude pair 1.000000,-inf":                        add("g", nil, GeoMember{"b", GeoPoint{1, math.Inf(-1)}}),
		"ERR value is not a valid float":                                           add("g", nil, GeoMember{"a", GeoPoint{math.NaN(), 1}}),
		"ERR syntax error":                                                         add("g", nil),
		"ERR XX and NX options at the same time are not compatible":                add("g", &GeoAddOptions{NX: true, XX: true}, GeoMember{"a", p}),
		"WRONGTYPE Operation against a key holding the wrong kind of value":        add("text", nil, GeoMember{"a", p}),
		"ERR value is not a valid float ":                                          search("sicily", GeoCircle(GeoPoint{1, math.NaN()}, 1), nil),
		"ERR height or width cannot be negative":                                   search("sicily", GeoBox(p, 1, -1), nil),
		"ERR GEOSEARCH BYPOLYGON must have at least 3 vertices":                    search("sicily", GeoPolygon(p, p), nil),
		"ERR invalid longitude,latitude pair 1.000000,86.000000":                   search("sicily", GeoPolygon(p, p, GeoPoint{1, 86}), nil),
		"ERR invalid longitude,latitude pair -200.000000,0.000000":                 search("sicily", GeoCircle(GeoPoint{-200, 0}, 1), nil),
		"ERR COUNT must be > 0":                                                    search("sicily", one, &GeoSearchOptions{Count: -1}),
		"ERR the ANY argument requires COUNT argument":                             search("sicily", one, &GeoSearchOptions{Any: true}),
		"WRONGTYPE Operation against a key holding the wrong kind of value ":       search("text", one, nil),
		"store: not found":                                                         search("sicily", one.Around("Rome"), nil),
		"WRONGTYPE Operation against a key holding the wrong kind of value (dist)": func() error { _, err := db.GeoDist("text", "a", "b"); return err }(),
	} {
		text, _, _ = strings.Cut(text, " (")
		if err == nil || err.Error() != strings.TrimSpace(text) {
			t.Errorf("%v, want %s", err, text)
		}
	}
	if s.backlog.Offset() != before {
		t.Error("something was written")
	}
}

// Valkey 9 finds these in these polygons; the second one crosses itself.
func TestPolygon(t *testing.T) {
	c := newStore(t, nil).NewSession(nil)
	for i, p := range strings.Split("151.20932132005692 -33.877723137822436,151.2119820713997 -33.87697539508043,151.2119820713997 -33.87156123068408,"+
		"151.2229523062706 -33.883973760201364,151.22852593660355 -33.88116782387797,151.2224105000496 -33.87544442350019,151.22953444719315 -33.874838625143106", ",") {
		do(t, c, fmt.Sprintf("GEOADD points %s %c", p, 'a'+i))
	}
	const eleven = "11 151.21619137411474 -33.869643764947696 151.20408853981647 -33.87845382042545 151.2123775086366 -33.87864711938855 151.21046943124387 -33.87588862400425 " +
		"151.21701035939626 -33.874286511854834 151.2239557405701 -33.8735722632175 151.22495056246407 -33.87893571656996 151.2274447496748 -33.882307713036354 " +
		"151.23212935868654 -33.88136096120022 151.23097291274465 -33.87456240592362 151.22475424781445 -33.87099633192101"
	for _, tt := range []struct{ line, want string }{
		{"GEOSEARCH points BYPOLYGON " + eleven, `["e" "g" "a"]`},
		{"GEOSEARCH points BYPOLYGON " + eleven + " WITHDIST WITHCOORD DESC", `[["a" "1035.7735" ["151.20932132005691528" "-33.87772313782243572"]] ` +
			`["e" "929.4979" ["151.22852593660354614" "-33.88116782387797343"]] ["g" "858.3013" ["151.22953444719314575" "-33.87483862514310573"]]]`},
		{"GEOSEARCH points BYPOLYGON 5 151.2154285314146 -33.867438205607186 151.20024487595015 -33.88138572784347 151.2374118848648 -33.87601765283626 " +
			"151.19695829592922 -33.87272872054441 151.2278336546125 -33.88345323146266", `["a" "c" "f"]`},
		{"GEOSEARCHSTORE dest points BYPOLYGON " + eleven + " ASC STOREDIST COUNT 2", "2"},
		{"ZRANGE dest 0 -1", `["g" "e"]`},
		{"GEOSEARCH points BYPOLYGON 2 1 1 2 2 ASC", "-ERR GEOSEARCH BYPOLYGON must have at least 3 vertices"},
		{"GEOSEARCH points BYPOLYGON 3 1 1 2 2", "-ERR GEOSEARCH BYPOLYGON must have at least 3 vertices"},
		{"GEOSEARCH points BYPOLYGON 9223372036854775807 1 1 2 2 3 3", "-ERR GEOSEARCH BYPOLYGON must have at least 3 vertices"},
		{"GEOSEARCH points BYPOLYGON x 1 1 2 2 3 3", "-ERR invalid number of vertices"},
		{"GEOSEARCH points BYPOLYGON 3 1 1 2 2 3 86", "-ERR invalid longitude,latitude pair 3.000000,86.000000"},
		{"GEOSEARCH points BYPOLYGON 3 1 1 2 2 3 3 BYBOX 1 1 m", "-ERR syntax error"},
		{"GEOSEARCH points BYRADIUS 1 m BYPOLYGON 3 1 1 2 2 3 3", "-ERR syntax error"},
		{"GEOSEARCH points BYPOLYGON 3 1 1 2 2 3 3 FROMLONLAT 1 1", "-ERR syntax error"},
		{"GEOSEARCH points FROMMEMBER a BYPOLYGON 3 1 1 2 2 3 3", "-ERR syntax error"},
		{"GEOSEARCH none BYPOLYGON 3 1 1 2 2 3 3", "[]"},
	} {
		if got := asRead(t, c.Do(argv(strings.Fields(tt.line)...)), 2); got != tt.want {
			t.Errorf("%.100s: %s, want %s", tt.line, got, tt.want)
		}
	}
}

// What a primary's stream has of the old forms and of the new ones makes the same data, from
// Redis, which sends commands, and from here, where the results are sent.
func TestGeoStream(t *testing.T) {
	s := newStore(t, nil)
	c := s.NewSession(nil)
	lines := []string{
		"GEOADD g 13.361389 38.115556 p 15.087269 37.502669 q", "GEOSEARCHSTORE d g FROMMEMBER p BYRADIUS 200 km STOREDIST",
		"GEORADIUS g 15 37 200 km STORE e STOREDIST f", "GEORADIUSBYMEMBER g p 1 mi STORE g2", "GEOSEARCHSTORE e g FROMLONLAT 0 0 BYBOX 1 1 m",
		"GEOADD g XX CH 1 1 q", "GEORADIUS g 15 37 200 km ASC COUNT 1 STORE g",
	}
	var sent strings.Builder
	for _, line := range lines {
		do(t, c, line)
		sent.WriteString(wire(line))
	}
	ours, a := follower(t, s, nil)
	if err := apply(t, a, streamSince(t, s, 0)); err != nil {
		t.Fatal(err)
	}
	sameState(t, "replica of the store", s, ours)
	theirs := newStore(t, nil)
	theirs.Replication().Demote()
	if err := apply(t, theirs.Replication().NewApplier(), wire("SELECT 0")+sent.String()); err != nil {
		t.Fatal(err)
	}
	if got, want := theirs.Digest(), s.Digest(); got != want {
		t.Errorf("digest after the commands themselves %s, want %s", got, want)
	}
}

// The stream has the distances themselves: a replica of another kind may compute them
// otherwise.
func TestDistancesAreSent(t *testing.T) {
	s := newStore(t, nil)
	db := sicily(t, s)
	before := s.backlog.Offset()
	if _, err := db.GeoSearchStoreDist("d", "sicily", GeoCircle(GeoPoint{15, 37}, 200e3), nil); err != nil {
		t.Fatal(err)
	}
	want := []string{"MULTI", "DEL d", "ZADD d " + scoreText(t, db, "Catania") + " Catania " + scoreText(t, db, "Palermo") + " Palermo", "EXEC"}
	if got := streamLines(t, streamSince(t, s, before)); !slices.Equal(got, want) {
		t.Errorf("stream %q, want %q", got, want)
	}
}

func scoreText(t *testing.T, db DB, member string) string {
	t.Helper()
	score, err := db.ZScore("d", member)
	if err != nil {
		t.Fatal(err)
	}
	return formatScore(score)
}

// A search sees one instant: in a snapshot what was there, in a transaction what it wrote.
func TestGeoIsolation(t *testing.T) {
	s := newStore(t, nil)
	db := sicily(t, s)
	area := GeoCircle(GeoPoint{15, 37}, 200e3)
	sn := s.Snapshot()
	defer sn.Close()
	for i := range 300 { // a large set, changed in place
		if _, err := db.GeoAdd("sicily", GeoMember{fmt.Sprint("m", i), GeoPoint{15, 37 + float64(i)/1e4}}); err != nil {
			t.Fatal(err)
		}
	}
	old, _ := sn.DB(0).GeoSearch("sicily", area, nil)
	now, _ := db.GeoSearch("sicily", area, nil)
	if len(old) != 2 || len(now) != 302 {
		t.Errorf("the snapshot has %d, the database %d", len(old), len(now))
	}
	_, err := s.Update(func(tx *Tx) error {
		if _, err := tx.DB(0).GeoAdd("sicily", GeoMember{"tx", GeoPoint{15, 37}}); err != nil {
			return err
		}
		in, _ := tx.DB(0).GeoSearch("sicily", area, nil)
		out, _ := db.GeoSearch("sicily", area, nil)
		if len(in) != 303 || len(out) != 302 {
			t.Errorf("the transaction has %d, others %d", len(in), len(out))
		}
		return ErrSyntax
	})
	if after, _ := db.GeoSearch("sicily", area, nil); err != ErrSyntax || len(after) != 302 {
		t.Errorf("undone: %d, %v", len(after), err)
	}
}

// BenchmarkGeoSearch: the cost is that of the places nearby, not of all.
func BenchmarkGeoSearch(b *testing.B) {
	for _, n := range []int{1000, 10_000, 100_000} {
		db := New(nil).DB(0)
		for i := range n {
			side := float64(n) / 1e5
			_, _ = db.GeoAdd("g", GeoMember{fmt.Sprint(i), GeoPoint{math.Mod(float64(i)*0.6180339887, 1) * 100 * side, math.Mod(float64(i)*0.7548776662, 1) * 10}})
		}
		b.Run(fmt.Sprintf("places=%d", n), func(b *testing.B) {
			found := 0
			for b.Loop() {
				list, _ := db.GeoSearch("g", GeoCircle(GeoPoint{0.5 * float64(n) / 1e3 / 10, 5}, 20e3), nil)
				found = len(list)
			}
			b.ReportMetric(float64(found), "found")
		})
	}
}
