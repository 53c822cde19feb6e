//! The order in which things that need each other can be made, or the circle that prevents it.
//!
//! Must never know: what the things are.

/// Nodes that need each other in a circle: the first is needed by the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cycle(pub(crate) Vec<usize>);

/// All nodes, each after every one that it needs. `needs[i]` lists what node `i` needs; what is out of range is not
/// there. Takes no stack, so that a chain may be of any length.
pub(crate) fn order(needs: &[Vec<usize>]) -> Result<Vec<usize>, Cycle> {
    let mut walk = Walk { marks: vec![Mark::New; needs.len()], ordered: Vec::with_capacity(needs.len()) };
    for start in 0..needs.len() {
        walk.visit(start, needs)?;
    }
    Ok(walk.ordered)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    New,
    OnPath,
    Done,
}

struct Walk {
    marks: Vec<Mark>,
    ordered: Vec<usize>,
}

impl Walk {
    fn visit(&mut self, start: usize, needs: &[Vec<usize>]) -> Result<(), Cycle> {
        if self.mark(start) != Mark::New {
            return Ok(());
        }
        let mut path = vec![(start, needs.get(start).map_or(&[][..], Vec::as_slice).iter())];
        self.set(start, Mark::OnPath);
        while let Some((node, rest)) = path.last_mut() {
            let Some(&next) = rest.next() else {
                let node = *node;
                self.set(node, Mark::Done);
                self.ordered.push(node);
                path.pop();
                continue;
            };
            match self.mark(next) {
                Mark::Done => {}
                Mark::OnPath => {
                    let circle = path.iter().map(|(node, _)| *node).skip_while(|node| *node != next);
                    return Err(Cycle(circle.collect()));
                }
                Mark::New => {
                    self.set(next, Mark::OnPath);
                    path.push((next, needs.get(next).map_or(&[][..], Vec::as_slice).iter()));
                }
            }
        }
        Ok(())
    }

    fn mark(&self, node: usize) -> Mark {
        self.marks.get(node).copied().unwrap_or(Mark::Done)
    }

    fn set(&mut self, node: usize, mark: Mark) {
        if let Some(slot) = self.marks.get_mut(node) {
            *slot = mark;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_circle_is_named_from_its_first_member() {
        assert_eq!(order(&[vec![1], vec![2], vec![1]]), Err(Cycle(vec![1, 2])));
        assert_eq!(order(&[vec![0]]), Err(Cycle(vec![0])));
    }

    #[test]
    fn a_chain_may_be_long() {
        let chain: Vec<Vec<usize>> = (0..200_000).map(|node| vec![node + 1]).collect();
        assert_eq!(order(&chain).unwrap().first(), Some(&199_999));
    }

    proptest! {
        #[test]
        fn what_is_needed_comes_first(pairs in prop::collection::vec((0_usize..12, 0_usize..12), 0..30)) {
            let mut needs = vec![Vec::new(); 12];
            for (node, needed) in pairs {
                needs[node].push(needed);
            }
            match order(&needs) {
                Ok(ordered) => {
                    prop_assert_eq!(ordered.len(), 12);
                    let place = |node: usize| ordered.iter().position(|other| *other == node).unwrap();
                    for (node, needed) in needs.iter().enumerate() {
                        prop_assert!(needed.iter().all(|needed| place(*needed) < place(node)));
                    }
                }
                Err(Cycle(circle)) => {
                    for (index, node) in circle.iter().enumerate() {
                        let next = circle[(index + 1) % circle.len()];
                        prop_assert!(needs[*node].contains(&next));
                    }
                }
            }
        }
    }
}
