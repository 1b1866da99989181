"""Was the policy kept?"""
