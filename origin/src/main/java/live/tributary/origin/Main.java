package live.tributary.origin;

public final class Main {
    private Main() {}

    public static void main(String[] args) {}
}
