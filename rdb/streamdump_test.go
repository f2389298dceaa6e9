package rdb_test

import (
	"fmt"
	"io"

	"github.com/understudy-go/understudy/rdb"
)

// dumpStream writes the parts of a stream, one line each; of many entries in a row the first twenty and the last.
func dumpStream(b io.Writer, d *rdb.Decoder) error {
	for n := 0; ; {
		p, ok, err := d.StreamPart()
		if !ok || err != nil {
			return err
		}
		if p.Op == rdb.PartEntry {
			if n++; n > 20 {
				continue
			}
		} else if n > 20 {
			fmt.Fprintf(b, "\t... %d entries\n", n)
			n = 0
		}
		if err := dumpStreamPart(b, d, p); err != nil {
			return err
		}
	}
}

func dumpStreamPart(b io.Writer, d *rdb.Decoder, p rdb.StreamPart) error {
	switch p.Op {
	case rdb.PartEntry:
		fmt.Fprintf(b, "\t%v", p.ID)
		for pairs := int64(0); ; pairs++ {
			name, value, ok, err := d.Field()
			if err != nil {
				return err
			}
			if !ok {
				if pairs != p.Len {
					return fmt.Errorf("%v has %d pairs, announced as %d", p.ID, pairs, p.Len)
				}
				break
			}
			fmt.Fprintf(b, " %s=%s", short(name), short(value))
		}
		fmt.Fprintln(b)
	case rdb.PartState:
		fmt.Fprintf(b, "\tstate: %d entries from %v, last %v, deleted %v, added %d\n", p.Len, p.First, p.ID, p.Deleted, p.Added)
	case rdb.PartGroup:
		fmt.Fprintf(b, "\tgroup %s: last %v, read %d, %d pending\n", short(p.Name), p.ID, p.Read, p.Len)
	case rdb.PartPending:
		fmt.Fprintf(b, "\t\tpending %v: at %d, %d times\n", p.ID, p.Time, p.Count)
	case rdb.PartConsumer:
		fmt.Fprintf(b, "\t\tconsumer %s: seen %d, active %d, %d pending\n", short(p.Name), p.Time, p.Active, p.Len)
	case rdb.PartDedup:
		fmt.Fprintf(b, "\tdedup: %d s, %d IDs\n", p.Duration, p.Max)
	case rdb.PartProducer:
		fmt.Fprintf(b, "\t\tproducer %s: %d IDs\n", short(p.Name), p.Len)
	case rdb.PartDedupID:
		fmt.Fprintf(b, "\t\t\t%s is %v\n", short(p.Name), p.ID)
	case rdb.PartDedupTotals:
		fmt.Fprintf(b, "\tdedup totals: %d, %d duplicates\n", p.Added, p.Count)
	default:
		fmt.Fprintf(b, "\t\t\t%v %v\n", p.Op, p.ID)
	}
	return nil
}
