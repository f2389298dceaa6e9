package store

import (
	"strings"

	"github.com/understudy-go/understudy/resp"
)

// The longest common subsequence of two strings: the most bytes that both have in the same order, with others between them or not. Redis 7.0 has LCS, Redis 6 had it
// as STRALGO LCS.

var (
	errLCSKeys = &Error{"ERR The specified keys must contain string values"}
	errLCSBoth = &Error{"ERR If you want both the length and indexes, please just use IDX."}
	errLCSSize = &Error{"ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"}
)

// mostLCS bounds the time: so many pairs of bytes are compared at most, a third of a second. It is what fits into Redis's table, with four bytes for each.
const mostLCS = maxText / 4

// A commonRun is n bytes that are equal at one place of either string.
type commonRun struct{ a, b, n int }

// longestCommon is the length of the longest common subsequence of a and b and, with runs, what it is made of, from the end to the beginning. Where there are several of
// that length it is the one that servers choose.
//
// It is the textbook's table: cell (i, j) is the length for the first i bytes of a and the first j of b. Two rows of it, folded into one, do for the length. Going back from the
// end takes one bit more of each cell: whether the cell above is larger than the one to the left.
func longestCommon(a, b string, runs bool) (int, []commonRun) {
	row := make([]uint32, len(b)+1)
	var up bitGrid
	if runs {
		up = newBitGrid(len(a), len(b))
	}
	for i := range len(a) {
		var corner uint32 // of the row above, to the left
		for j := range len(b) {
			above, left := row[j+1], row[j]
			switch {
			case a[i] == b[j]:
				row[j+1] = corner + 1
			case above <= left:
				row[j+1] = left
			case runs:
				up.set(i, j)
			}
			corner = above
		}
	}
	if !runs {
		return int(row[len(b)]), nil
	}
	return int(row[len(b)]), up.runs(a, b)
}

// A bitGrid is a bit for each cell of that table.
type bitGrid struct {
	words []uint64
	width int
}

func newBitGrid(height, width int) bitGrid {
	return bitGrid{make([]uint64, (height*width+63)/64), width}
}

func (g bitGrid) set(i, j int) {
	n := i*g.width + j
	g.words[n/64] |= 1 << (n % 64)
}

func (g bitGrid) has(i, j int) bool {
	n := i*g.width + j
	return g.words[n/64]>>(n%64)&1 != 0
}

func (g bitGrid) runs(a, b string) (runs []commonRun) {
	open := false // the run before goes on
	for i, j := len(a)-1, len(b)-1; i >= 0 && j >= 0; {
		switch {
		case a[i] == b[j]:
			if !open {
				runs = append(runs, commonRun{i + 1, j + 1, 0})
			}
			r := &runs[len(runs)-1]
			r.a, r.b, r.n = i, j, r.n+1
			open = true
			i--
			j--
			continue
		case g.has(i, j):
			i--
		default:
			j--
		}
		open = false
	}
	return runs
}

// lcs is longestCommon of the strings at two keys, "" where there is none.
func (x *exec) lcs(key1, key2 string) (a, b string, err error) {
	if a, _, err = x.text(key1); err == nil {
		b, _, err = x.text(key2)
	}
	return a, b, err
}

func checkLCS(a, b string) error {
	if int64(len(a)+1)*int64(len(b)+1) > mostLCS {
		return errLCSSize
	}
	return nil
}

// LCS returns the longest common subsequence of the strings at two keys: the most bytes that both have in the same order. What there is not is "". Strings whose
// lengths, multiplied, exceed 128 million are an error. O(n·m). From Redis 7.0.
func (d reads) LCS(key1, key2 string) (string, error) {
	var a, b string
	var err error
	if e := d.many(func(x *exec) { a, b, err = x.lcs(key1, key2) }); e != nil {
		return "", e
	}
	if err == nil {
		err = checkLCS(a, b)
	}
	if err != nil {
		return "", err
	}
	n, runs := longestCommon(a, b, true)
	return textOfRuns(a, n, runs), nil
}

func textOfRuns(a string, n int, runs []commonRun) string {
	var t strings.Builder
	t.Grow(n)
	for i := len(runs) - 1; i >= 0; i-- {
		r := runs[i]
		t.WriteString(a[r.a : r.a+r.n])
	}
	return t.String()
}

// lcsOptions are LCS's: LEN, IDX, WITHMATCHLEN and MINMATCHLEN.
type lcsOptions struct {
	length, index, withLen bool
	minRun                 int64
}

// cmdLCS is LCS key1 key2 [LEN] [IDX] [MINMATCHLEN n] [WITHMATCHLEN].
func cmdLCS(x *exec, args [][]byte) resp.Value {
	a, b, err := x.lcs(argString(args, 1), argString(args, 2))
	if err != nil {
		return reply(errLCSKeys)
	}
	o, err := parseLCS(args[3:])
	if err == nil {
		err = checkLCS(a, b)
	}
	if err != nil {
		return reply(err)
	}
	n, runs := longestCommon(a, b, !o.length)
	switch {
	case o.length:
		return resp.Integer(int64(n))
	case o.index:
		return o.indexReply(n, runs)
	}
	return resp.BulkString(textOfRuns(a, n, runs))
}

func parseLCS(args [][]byte) (o lcsOptions, err error) {
	for i := 0; i < len(args); i++ {
		switch arg := args[i]; {
		case isWord(arg, "LEN"):
			o.length = true
		case isWord(arg, "IDX"):
			o.index = true
		case isWord(arg, "WITHMATCHLEN"):
			o.withLen = true
		case isWord(arg, "MINMATCHLEN") && i+1 < len(args):
			i++
			if o.minRun, err = parseInt(argString(args, i)); err != nil {
				return o, err
			}
		default:
			return o, ErrSyntax
		}
	}
	if o.length && o.index {
		return o, errLCSBoth
	}
	return o, nil
}

// indexReply tells the runs that are long enough, by the first and the last of their bytes.
func (o *lcsOptions) indexReply(n int, runs []commonRun) resp.Value {
	matches := []resp.Value{}
	for _, r := range runs {
		if int64(r.n) < o.minRun {
			continue
		}
		match := []resp.Value{firstAndLast(r.a, r.n), firstAndLast(r.b, r.n)}
		if o.withLen {
			match = append(match, resp.Integer(int64(r.n)))
		}
		matches = append(matches, resp.ArrayOf(match...))
	}
	return resp.MapOf(resp.BulkString("matches"), resp.ArrayOf(matches...), resp.BulkString("len"), resp.Integer(int64(n)))
}

func firstAndLast(at, n int) resp.Value {
	return resp.ArrayOf(resp.Integer(int64(at)), resp.Integer(int64(at+n-1)))
}
