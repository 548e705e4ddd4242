package compiler

import "testing"

// An oracle asks the policies of a tree all that the site's declarations answer: which answers differ, and how many are
// open and closed.
type oracle func(*inquiry, *testing.T) (wrong []string, open, closed int)

// agrees fails where the tree answers otherwise than the site declares, or all answers are of one kind.
func (ask oracle) agrees(t *testing.T, name string, q *inquiry) {
	t.Helper()
	wrong, open, closed := ask(q, t)
	for _, w := range wrong {
		t.Error(name, w)
	}
	if open == 0 || closed == 0 {
		t.Errorf("%s: %d answers are open and %d closed", name, open, closed)
	}
}

// notices breaks the tree by each mutant, and fails where it still answers as the site declares.
func (ask oracle) notices(t *testing.T, q *inquiry, mutants []mutant) {
	t.Helper()
	for _, m := range mutants {
		tree, ok := mutate(q.tree, m)
		if !ok {
			t.Errorf("nothing in %s matches %s", m.file, m.old)
			continue
		}
		broken := *q
		broken.tree, broken.wrong = tree, nil
		if wrong, _, _ := ask(&broken, t); len(wrong) == 0 {
			t.Errorf("the oracle does not notice %q become %q in %s", m.old, m.new, m.file)
		}
	}
}
