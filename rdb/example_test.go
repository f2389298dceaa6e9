package rdb_test

import (
	"bytes"
	"fmt"
	"log"
	"strings"

	"github.com/understudy-go/understudy/rdb"
)

// A file is written call by call. Errors stick, so the one of End is enough.
func ExampleEncoder() {
	var file bytes.Buffer
	e := rdb.NewEncoder(&file, nil)
	e.Aux("redis-ver", "7.0.0")
	e.SelectDB(0)
	e.String("greeting", "hello", 0)
	e.BeginHash("user:1", 2, 4102444800000)
	e.Field("name", "Ada")
	e.Field("born", "1815")
	if err := e.End(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(e.Written(), "bytes")
	// Output:
	// 88 bytes
}

// A file is read record by record; the value of a key is asked for, or skipped.
func ExampleDecoder() {
	var file bytes.Buffer
	e := rdb.NewEncoder(&file, nil)
	e.SelectDB(3)
	e.String("greeting", "hello", 0)
	e.BeginHash("user:1", 2, 4102444800000)
	e.Field("name", "Ada")
	e.Field("born", "1815")
	e.End()

	d := rdb.NewDecoder(&file, nil)
	for {
		rec, err := d.Next()
		if err != nil {
			log.Fatal(err)
		}
		switch {
		case rec.Op == rdb.OpEnd:
			return
		case rec.Kind == rdb.String:
			value, err := d.Text()
			fmt.Printf("database %d: %s = %s %v\n", rec.DB, rec.Key, value, err)
		case rec.Kind == rdb.Hash:
			fmt.Printf("database %d: %s, a hash of %d, until %d\n", rec.DB, rec.Key, rec.Len, rec.Deadline)
			for {
				field, value, ok, err := d.Field()
				if !ok {
					break
				}
				fmt.Printf("\t%s = %s %v\n", field, value, err)
			}
		}
	}
	// Output:
	// database 3: greeting = hello <nil>
	// database 3: user:1, a hash of 2, until 4102444800000
	// 	name = Ada <nil>
	// 	born = 1815 <nil>
}

// Errors say what was being read, and where.
func ExampleCorruptError() {
	d := rdb.NewDecoder(strings.NewReader("REDIS0009\x00\x03key\x7fcut"), nil)
	d.Next()
	_, err := d.Text()
	fmt.Println(err)
	// Output:
	// rdb: string value at offset 14: unexpected EOF
}

// In a connection, more follows a file; the decoder may have read some of it already.
func ExampleDecoder_Rest() {
	var conn bytes.Buffer
	rdb.NewEncoder(&conn, nil).End()
	conn.WriteString("*1\r\n$4\r\nPING\r\n")

	d := rdb.NewDecoder(&conn, nil)
	rec, err := d.Next()
	fmt.Println(rec.Op, err, d.Offset())
	fmt.Printf("%q\n", d.Rest())
	// Output:
	// end <nil> 18
	// "*1\r\n$4\r\nPING\r\n"
}

// The payload of the command DUMP is a single value, read and written by the same calls.
func ExampleNewDumpDecoder() {
	var payload bytes.Buffer
	e := rdb.NewDumpEncoder(&payload, nil)
	e.BeginSortedSet("", 2, 0) // a payload has no key
	e.Member("Ada", 1815)
	e.Member("Alan", 1912)
	if err := e.End(); err != nil {
		log.Fatal(err)
	}

	d := rdb.NewDumpDecoder(payload.Bytes(), nil)
	rec, err := d.Next()
	fmt.Println(rec.Kind, rec.Len, err)
	for {
		member, score, ok, err := d.Member()
		if !ok {
			rec, err = d.Next()
			fmt.Println(rec.Op, err)
			return
		}
		fmt.Printf("\t%s %v %v\n", member, score, err)
	}
	// Output:
	// sorted set 2 <nil>
	// 	Ada 1815 <nil>
	// 	Alan 1912 <nil>
	// end <nil>
}
