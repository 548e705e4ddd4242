package lower

import (
	"cmp"
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
)

// serviceMarks are what the mesh reads on Services of others, each Service once.
func (l *lowering) serviceMarks() {
	if marks := l.meshKind().marks; marks != nil {
		marks(l)
	}
	slices.SortFunc(l.p.ServiceMarks, func(a, b ir.ServiceMark) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Service, b.Service))
	})
	for i := range l.p.ServiceMarks {
		for _, kvs := range [][]ir.KV{l.p.ServiceMarks[i].Labels, l.p.ServiceMarks[i].Annotations} {
			slices.SortFunc(kvs, func(a, b ir.KV) int { return cmp.Compare(a.Key, b.Key) })
		}
	}
}

// mark adds to what one Service has to carry. Several features may ask for something on the same one.
func (l *lowering) mark(m ir.ServiceMark) {
	for i := range l.p.ServiceMarks {
		if was := &l.p.ServiceMarks[i]; was.Namespace == m.Namespace && was.Service == m.Service {
			was.Labels, was.Annotations = append(was.Labels, m.Labels...), append(was.Annotations, m.Annotations...)
			was.Reasons, was.From = append(was.Reasons, m.Reasons...), append(was.From, m.From...)
			return
		}
	}
	l.p.ServiceMarks = append(l.p.ServiceMarks, m)
}
