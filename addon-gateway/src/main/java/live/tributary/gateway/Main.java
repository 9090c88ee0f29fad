package live.tributary.gateway;

public final class Main {
    private Main() {}

    public static void main(String[] args) {}
}
