/** Where nodes of a stream find each other, and its newest head: the Mainline DHT behind one interface. */
@NullMarked
package live.tributary.mesh.rendezvous;

import org.jspecify.annotations.NullMarked;
