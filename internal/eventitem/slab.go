package eventitem

// slab hands out pointers to zero values of T, allocated a chunk at a time: an
// item has dozens of small boxes, all of them as long-lived as the item.
type slab[T any] struct {
	free []T
	next int // size of the next chunk
}

const maxChunk = 64

func (s *slab[T]) take(first int) *T {
	if len(s.free) == 0 {
		s.next = min(max(first, 2*s.next), maxChunk)
		s.free = make([]T, s.next)
	}
	p := &s.free[0]
	s.free = s.free[1:]
	return p
}
