package store

import "strings"

// Match reports whether all of s matches a pattern as KEYS, SCAN and CONFIG GET
// of Redis take it: * is any run of bytes, ? any byte, [abc], [a-z] and [^a] are
// classes, and \ makes the byte after it literal. A class that is not closed
// reaches to the pattern's end, so every pattern is valid. Bytes are compared, not
// letters: case counts.
//
// The cost is at most len(pattern) * len(s), for it looks back to the last star
// only, and nothing is allocated.
func Match(pattern, s string) bool {
	if s == "" {
		// Redis looks at no more than this before it gives up on the empty
		// string: "**" does not match it.
		return pattern == "" || pattern == "*"
	}
	star, retry := -1, 0
	p, i := 0, 0
	for i < len(s) {
		if p < len(pattern) && pattern[p] == '*' {
			star, retry = p, i
			p++
			continue
		}
		if n, ok := matchOne(pattern[p:], s[i]); ok {
			p += n
			i++
			continue
		}
		if star < 0 {
			return false
		}
		retry++
		p, i = star+1, retry
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// matchCost is how many steps Match may take at most: the pattern once, and what follows
// its first star, even an escaped one, once more for each byte of s.
func matchCost(pattern, s string) int64 {
	n := int64(len(pattern))
	if star := strings.IndexByte(pattern, '*'); star >= 0 {
		n += (n - int64(star)) * int64(len(s))
	}
	return n
}

// matchOne matches c against the first element of pattern, which is n bytes
// long and no star.
func matchOne(pattern string, c byte) (n int, ok bool) {
	if pattern == "" {
		return 0, false
	}
	switch pattern[0] {
	case '?':
		return 1, true
	case '[':
		return matchClass(pattern, c)
	case '\\':
		if len(pattern) > 1 {
			return 2, pattern[1] == c
		}
	}
	return 1, pattern[0] == c
}

func matchClass(pattern string, c byte) (n int, ok bool) {
	i := 1
	not := i < len(pattern) && pattern[i] == '^'
	if not {
		i++
	}
	for i < len(pattern) && pattern[i] != ']' {
		size, hit := matchRange(pattern[i:], c)
		i += size
		ok = ok || hit
	}
	if i < len(pattern) {
		i++
	}
	return i, ok != not
}

func matchRange(class string, c byte) (n int, ok bool) {
	switch {
	case class[0] == '\\' && len(class) > 1:
		return 2, class[1] == c
	case len(class) > 2 && class[1] == '-':
		low, high := class[0], class[2]
		if low > high {
			low, high = high, low
		}
		return 3, low <= c && c <= high
	}
	return 1, class[0] == c
}
