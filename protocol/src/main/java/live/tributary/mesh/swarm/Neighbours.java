package live.tributary.mesh.swarm;

import java.util.AbstractList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;

/** The neighbours in the order in which they came; whoever iterates sees those of when it began. */
final class Neighbours extends AbstractList<Neighbour> {
    private Neighbour[] all = {};

    @Override
    public Neighbour get(int index) {
        return all[index];
    }

    @Override
    public int size() {
        return all.length;
    }

    @Override
    public boolean add(Neighbour neighbour) {
        Neighbour[] more = Arrays.copyOf(all, all.length + 1);
        more[all.length] = neighbour;
        all = more;
        return true;
    }

    @Override
    public Neighbour remove(int index) {
        Neighbour[] fewer = new Neighbour[all.length - 1];
        System.arraycopy(all, 0, fewer, 0, index);
        System.arraycopy(all, index + 1, fewer, index, fewer.length - index);
        Neighbour removed = all[index];
        all = fewer;
        return removed;
    }

    @Override
    public boolean remove(Object neighbour) {
        int index = indexOf(neighbour);
        if (index < 0) {
            return false;
        }
        remove(index);
        return true;
    }

    @Override
    public Iterator<Neighbour> iterator() {
        List<Neighbour> snapshot = Arrays.asList(all);
        return snapshot.iterator();
    }
}
