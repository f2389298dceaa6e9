package hll

import (
	"fmt"
	"math"
	"strings"
)

// Ranks are the ranks of all registers of v.
func (v Value) Ranks() (*Ranks, error) {
	r := new(Ranks)
	err := v.Merge(r)
	return r, err
}

// Runs spells the runs of a sparse v as Redis does: z:n for a ZERO, Z:n for an XZERO and
// v:rank,n for a VAL. It ends before a run that is cut off.
func (v Value) Runs() string {
	var runs []string
	for body := v.body(); len(body) > 0; {
		o, ok := readOp(body)
		if !ok {
			break
		}
		body = body[o.size:]
		switch {
		case o.rank > 0:
			runs = append(runs, fmt.Sprintf("v:%d,%d", o.rank, o.n))
		case o.size > 1:
			runs = append(runs, fmt.Sprintf("Z:%d", o.n))
		default:
			runs = append(runs, fmt.Sprintf("z:%d", o.n))
		}
	}
	return strings.Join(runs, " ")
}

// SelfTest reports what is wrong with the arithmetic of this machine, if anything is: dense
// registers that do not keep what they were given, or counts beyond any likely error. It
// takes some milliseconds.
func SelfTest() error {
	d := New()
	if err := d.MakeDense(); err != nil {
		return err
	}
	body := d.body()
	for i := range registers {
		setDenseRank(body, i, uint8(i*7%(1<<rankWidth)))
	}
	for i := range registers {
		if got := denseRank(body, i); got != uint8(i*7%(1<<rankWidth)) {
			return fmt.Errorf("hll: register %d holds %d", i, got)
		}
	}
	return testCounts()
}

// testCounts compares counts with what was added, at some sizes in both forms.
func testCounts() error {
	d := New()
	for n := 1; n <= 100_000; n++ {
		if _, err := d.Add(fmt.Append(nil, n)); err != nil {
			return err
		}
		if n != 10 && n != 1000 && n != 100_000 {
			continue
		}
		got, err := d.Count()
		if err != nil {
			return err
		}
		if off := math.Abs(float64(got) - float64(n)); off > 0.05*float64(n)+1 {
			return fmt.Errorf("hll: %d elements are counted as %d", n, got)
		}
	}
	return nil
}
