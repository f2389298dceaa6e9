package hll

// denseRank is register i of the dense form. It lies in one byte or in two.
func denseRank(body []byte, i int) uint8 {
	at, shift := i*rankWidth/8, uint(i*rankWidth%8)
	w := uint(body[at]) >> shift
	if shift > 8-rankWidth {
		w |= uint(body[at+1]) << (8 - shift)
	}
	return uint8(w & (1<<rankWidth - 1))
}

// setDenseRank makes register i of the dense form rank, which is below 64.
func setDenseRank(body []byte, i int, rank uint8) {
	at, shift := i*rankWidth/8, uint(i*rankWidth%8)
	const mask = 1<<rankWidth - 1
	body[at] = body[at]&^byte(mask<<shift&0xff) | byte(uint(rank)<<shift)
	if shift > 8-rankWidth {
		body[at+1] = body[at+1]&^byte(mask>>(8-shift)) | rank>>(8-shift)
	}
}
